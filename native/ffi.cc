// Written against XLA's C API alone, whose binary form is stable: what is built here runs with later versions of
// JAX too, and nothing of JAX needs to be installed to build it.
#include "ffi.h"

#include <cstring>
#include <new>

#include "batch_norm.h"
#include "xla/ffi/api/c_api.h"

namespace normwise {
namespace {

XLA_FFI_Error* error(const XLA_FFI_CallFrame* frame, XLA_FFI_Error_Code code, const char* message) {
  XLA_FFI_Error_Create_Args args{XLA_FFI_Error_Create_Args_STRUCT_SIZE, nullptr, message, code};
  return frame->api->XLA_FFI_Error_Create(&args);
}

// Whether XLA asks what the handler is, and not for its work; answers that.
bool answered_metadata(XLA_FFI_CallFrame* frame) {
  XLA_FFI_Extension_Base* extension = frame->extension_start;
  if (extension == nullptr || extension->type != XLA_FFI_Extension_Metadata) return false;
  XLA_FFI_Metadata* metadata = reinterpret_cast<XLA_FFI_Metadata_Extension*>(extension)->metadata;
  metadata->api_version = {XLA_FFI_Api_Version_STRUCT_SIZE, nullptr, XLA_FFI_API_MAJOR, XLA_FFI_API_MINOR};
  metadata->traits = 0;
  if (metadata->struct_size >= static_cast<size_t>(XLA_FFI_Metadata_STRUCT_SIZE)) {
    metadata->state_type_id = XLA_FFI_UNKNOWN_TYPE_ID;
  }
  return true;
}

const XLA_FFI_Buffer& argument(const XLA_FFI_CallFrame* frame, int64_t i) {
  return *static_cast<XLA_FFI_Buffer*>(frame->args.args[i]);
}

template <typename T>
const T* input(const XLA_FFI_CallFrame* frame, int64_t i) {
  return static_cast<const T*>(argument(frame, i).data);
}

// The operand that may be missing.
template <typename T>
const T* input_or_null(const XLA_FFI_CallFrame* frame, int64_t i) {
  return i < frame->args.size ? input<T>(frame, i) : nullptr;
}

template <typename T>
T* output(const XLA_FFI_CallFrame* frame, int64_t i) {
  return static_cast<T*>(static_cast<XLA_FFI_Buffer*>(frame->rets.rets[i])->data);
}

// The number of this name among the attributes, which are few.
template <typename T>
bool attribute(const XLA_FFI_CallFrame* frame, const char* name, T* value) {
  for (int64_t i = 0; i < frame->attrs.size; ++i) {
    const XLA_FFI_ByteSpan* found = frame->attrs.names[i];
    if (found->len != std::strlen(name) || std::memcmp(found->ptr, name, found->len) != 0) continue;
    if (frame->attrs.types[i] != XLA_FFI_AttrType_SCALAR) return false;
    std::memcpy(value, static_cast<XLA_FFI_Scalar*>(frame->attrs.attrs[i])->value, sizeof(T));
    return true;
  }
  return false;
}

bool settings_of(const XLA_FFI_CallFrame* frame, const XLA_FFI_Buffer& x, Settings* settings) {
  int64_t activation = 0, size = 1;
  for (int64_t i = 0; i < x.rank; ++i) size *= x.dims[i];
  View& view = settings->view;
  const bool known = attribute(frame, "channels", &view.channels) && attribute(frame, "inner", &view.inner) &&
                     attribute(frame, "activation", &activation) && attribute(frame, "epsilon", &settings->epsilon) &&
                     attribute(frame, "alpha", &settings->alpha);
  if (!known || view.channels < 1 || view.inner < 1 || size % (view.channels * view.inner) != 0) return false;
  view.outer = size / (view.channels * view.inner);
  settings->activation = static_cast<Activation>(activation);
  return true;
}

// Each handler: checks what it was given, and calls `run` with the type of the values. Weights may come last.
template <typename Run>
XLA_FFI_Error* handle(XLA_FFI_CallFrame* frame, int64_t inputs, int64_t outputs, int64_t x_at, const Run& run) {
  if (answered_metadata(frame)) return nullptr;
  Settings settings{};
  const bool weighted = frame->args.size == inputs + 1;
  if ((frame->args.size != inputs && !weighted) || frame->rets.size != outputs ||
      !settings_of(frame, argument(frame, x_at), &settings) || (weighted && settings.view.inner != 1)) {
    return error(frame, XLA_FFI_Error_Code_INVALID_ARGUMENT,
                 "normwise: a batch normalization kernel was called with other operands or attributes than it has");
  }
  try {
    switch (argument(frame, x_at).dtype) {
      case XLA_FFI_DataType_F32:
        run(settings, float{});
        return nullptr;
      case XLA_FFI_DataType_F64:
        run(settings, double{});
        return nullptr;
      case XLA_FFI_DataType_BF16:
        run(settings, bfloat16{});
        return nullptr;
      case XLA_FFI_DataType_F16:
        run(settings, float16{});
        return nullptr;
      default:
        return error(frame, XLA_FFI_Error_Code_UNIMPLEMENTED,
                     "normwise: the batch normalization kernels take floats of 16, 32 and 64 bits");
    }
  } catch (const std::bad_alloc&) {
    return error(frame, XLA_FFI_Error_Code_RESOURCE_EXHAUSTED, "normwise: no memory for the partial sums");
  }
}

XLA_FFI_Error* forward(XLA_FFI_CallFrame* f) {
  return handle(f, 3, 4, 0, [f](const Settings& settings, auto zero) {
    using S = decltype(zero);
    using T = Compute<S>;
    batch_norm_forward<S>(settings, input<S>(f, 0), input<T>(f, 1), input<T>(f, 2), input_or_null<T>(f, 3),
                          output<S>(f, 0), output<T>(f, 1), output<T>(f, 2), output<T>(f, 3));
  });
}

XLA_FFI_Error* backward(XLA_FFI_CallFrame* f) {
  return handle(f, 7, 3, 1, [f](const Settings& settings, auto zero) {
    using S = decltype(zero);
    using T = Compute<S>;
    batch_norm_backward<S>(settings, input<S>(f, 0), input<S>(f, 1), input<T>(f, 2), input<T>(f, 3), input<T>(f, 4),
                           input<T>(f, 5), input<T>(f, 6), input_or_null<T>(f, 7), output<S>(f, 0),
                           output<T>(f, 1), output<T>(f, 2));
  });
}

}  // namespace

void* batch_norm_forward_handler() { return reinterpret_cast<void*>(&forward); }
void* batch_norm_backward_handler() { return reinterpret_cast<void*>(&backward); }

}  // namespace normwise
