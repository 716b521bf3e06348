// The kernels as XLA calls them on the CPU.
#pragma once

namespace normwise {

// Pointers to XLA FFI handlers, which `jax.ffi.register_ffi_target` takes in a capsule.
void* batch_norm_forward_handler();
void* batch_norm_backward_handler();

}  // namespace normwise
