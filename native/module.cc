// The extension `normwise._native`: the kernels for NumPy's arrays, for pointers, and for XLA.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>

#include <limits>

#include "batch_norm.h"
#include "columns.h"
#include "ffi.h"
#include "threads.h"
#include "tiles.h"

namespace nb = nanobind;

namespace normwise {
namespace {

template <typename T>
using Array = nb::ndarray<const T, nb::numpy, nb::device::cpu>;
template <typename T>
using Vector = nb::ndarray<const T, nb::numpy, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

template <typename T>
nb::ndarray<nb::numpy, T, nb::ndim<1>> empty(int64_t size) {
  T* data = new T[static_cast<size_t>(size)];
  nb::capsule owner(data, [](void* p) noexcept { delete[] static_cast<T*>(p); });
  const size_t shape[] = {static_cast<size_t>(size)};
  return {data, 1, shape, owner};
}

// (rows, columns) in C order or in Fortran's; NumPy's caller has seen to it that it is one of them.
template <typename T>
View view_of(const Array<T>& x) {
  if (x.ndim() != 2) throw std::invalid_argument("expected an array of (rows, columns)");
  const auto rows = static_cast<int64_t>(x.shape(0)), columns = static_cast<int64_t>(x.shape(1));
  const bool c_order = (columns == 1 || x.stride(1) == 1) && (rows <= 1 || x.stride(0) == columns);
  const bool f_order = (rows == 1 || x.stride(0) == 1) && (columns <= 1 || x.stride(1) == rows);
  if (c_order) return {rows, columns, 1};
  if (f_order) return {1, columns, rows};
  throw std::invalid_argument("expected an array in C order or in Fortran order");
}

template <typename T>
nb::object columns_of(Array<T> x) {
  const View view = view_of(x);
  auto counts = empty<double>(view.channels), mean = empty<double>(view.channels), m2 = empty<double>(view.channels);
  auto low = empty<T>(view.channels), high = empty<T>(view.channels);
  const ColumnStatistics<T> found{counts.data(), mean.data(), m2.data(), low.data(), high.data()};
  bool fine = false;
  {
    nb::gil_scoped_release release;
    fine = column_statistics(x.data(), view, found);
  }
  if (!fine) return nb::none();
  return nb::make_tuple(counts, mean, m2, low, high);
}

template <typename T>
bool affine_of(Array<T> x, Vector<T> origin, Vector<T> factor, Vector<T> offset, double low, double high,
               nb::ndarray<T, nb::numpy, nb::device::cpu> y) {
  const View view = view_of(x);
  const View there = view_of(Array<T>(y));
  const auto columns = static_cast<size_t>(view.channels);
  if (there.outer != view.outer || there.inner != view.inner || there.channels != view.channels) {
    throw std::invalid_argument("expected a result of the shape and the order of the array");
  }
  if (origin.shape(0) != columns || factor.shape(0) != columns || offset.shape(0) != columns) {
    throw std::invalid_argument("expected one constant a column");
  }
  nb::gil_scoped_release release;
  return affine(x.data(), view, origin.data(), factor.data(), offset.data(), static_cast<T>(low),
                static_cast<T>(high), y.data());
}

template <typename T>
void define_numpy(nb::module_& m) {
  m.def("column_statistics", &columns_of<T>, nb::arg("x").noconvert());
  m.def("affine", &affine_of<T>, nb::arg("x").noconvert(), nb::arg("origin").noconvert(),
        nb::arg("factor").noconvert(), nb::arg("offset").noconvert(), nb::arg("low"), nb::arg("high"),
        nb::arg("y").noconvert());
}

// Tensors of others come as addresses: the caller knows their type and keeps them alive.
template <typename T>
T* at(uintptr_t address) {
  return reinterpret_cast<T*>(address);
}

Settings settings_of(nb::tuple view, double epsilon, int64_t activation, double alpha) {
  return {{nb::cast<int64_t>(view[0]), nb::cast<int64_t>(view[1]), nb::cast<int64_t>(view[2])},
          epsilon,
          static_cast<Activation>(activation),
          alpha};
}

template <typename S>
void forward_at(nb::tuple view, double epsilon, int64_t activation, double alpha, uintptr_t x, uintptr_t gamma,
                uintptr_t beta, uintptr_t weights, uintptr_t y, uintptr_t origin, uintptr_t rest, uintptr_t m2) {
  using T = Compute<S>;
  const Settings settings = settings_of(view, epsilon, activation, alpha);
  nb::gil_scoped_release release;
  batch_norm_forward<S>(settings, at<S>(x), at<T>(gamma), at<T>(beta), at<T>(weights), at<S>(y), at<T>(origin),
                        at<T>(rest), at<T>(m2));
}

template <typename S>
void backward_at(nb::tuple view, double epsilon, int64_t activation, double alpha, uintptr_t upstream, uintptr_t x,
                 uintptr_t gamma, uintptr_t beta, uintptr_t origin, uintptr_t rest, uintptr_t m2, uintptr_t weights,
                 uintptr_t by_x, uintptr_t by_gamma, uintptr_t by_beta) {
  using T = Compute<S>;
  const Settings settings = settings_of(view, epsilon, activation, alpha);
  nb::gil_scoped_release release;
  batch_norm_backward<S>(settings, at<S>(upstream), at<S>(x), at<T>(gamma), at<T>(beta), at<T>(origin), at<T>(rest),
                         at<T>(m2), at<T>(weights), at<S>(by_x), at<T>(by_gamma), at<T>(by_beta));
}

}  // namespace
}  // namespace normwise

NB_MODULE(_native, m) {
  using namespace normwise;
  m.def("simd", [] { return std::string(target().name); });
  m.def("threads", &threads);
  m.def("set_threads", &set_threads, nb::arg("count"));
  m.def("use_openmp", [](uintptr_t parallel_region, uintptr_t max_threads) {
    use_openmp(reinterpret_cast<GompParallel>(parallel_region), reinterpret_cast<OmpMaxThreads>(max_threads));
  });
  define_numpy<float>(m);
  define_numpy<double>(m);
  m.def("batch_norm_forward_float32", &forward_at<float>);
  m.def("batch_norm_forward_float64", &forward_at<double>);
  m.def("batch_norm_backward_float32", &backward_at<float>);
  m.def("batch_norm_backward_float64", &backward_at<double>);
  m.def("batch_norm_forward_bfloat16", &forward_at<bfloat16>);
  m.def("batch_norm_backward_bfloat16", &backward_at<bfloat16>);
  m.def("batch_norm_forward_float16", &forward_at<float16>);
  m.def("batch_norm_backward_float16", &backward_at<float16>);
  m.def("xla_handlers", [] {
    nb::dict handlers;
    handlers["normwise_batch_norm_forward"] = nb::capsule(batch_norm_forward_handler(), "xla._CUSTOM_CALL_TARGET");
    handlers["normwise_batch_norm_backward"] = nb::capsule(batch_norm_backward_handler(), "xla._CUSTOM_CALL_TARGET");
    return handlers;
  });
}
