// Batch normalization of a batch by its own statistics, and its backward pass: Ioffe & Szegedy 2015, Algorithm 1
// and section 3.
#pragma once

#include <cstdint>

#include "pieces.h"
#include "tiles.h"

namespace normwise {

struct Settings {
  View view;
  double epsilon;
  Activation activation;
  // The factor of negative values in a leaky ReLU.
  double alpha;
};

// y = f(γ·(x − μ)/√(σ² + ε) + β). The mean comes as origin + rest, the latter being what T has no room for.
//
// `weights` has one number ≥ 0 for each position of the channels, which are the last axis then, or is null.
template <typename S, typename T = Compute<S>>
void batch_norm_forward(const Settings& settings, const S* x, const T* gamma, const T* beta, const T* weights, S* y,
                        T* origin, T* rest, T* m2);

// The gradients by x, γ and β, of ∂L/∂y and what the forward pass found.
template <typename S, typename T = Compute<S>>
void batch_norm_backward(const Settings& settings, const S* upstream, const S* x, const T* gamma, const T* beta,
                         const T* origin, const T* rest, const T* m2, const T* weights, S* by_x, T* by_gamma,
                         T* by_beta);

}  // namespace normwise
