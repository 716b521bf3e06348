// The kernels without Python, for compilers that watch memory and threads: sums against plain loops in float64,
// arrays whose ends are the ends of their memory, callers and forks at the same time.
#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <random>
#include <thread>
#include <vector>

#include "batch_norm.h"
#include "columns.h"
#include "conversions.h"
#include "threads.h"
#include "tiles.h"

namespace {

using namespace normwise;

int failures = 0;

void expect(bool holds, const char* what, View view) {
  if (holds) return;
  ++failures;
  std::printf("failed: %s at (%ld, %ld, %ld)\n", what, static_cast<long>(view.outer),
              static_cast<long>(view.channels), static_cast<long>(view.inner));
}

// Memory of exactly this size, of its own: what reads or writes beyond it is found.
template <typename T>
std::vector<T> normal(int64_t size, unsigned seed) {
  std::mt19937 engine(seed);
  std::normal_distribution<double> draw(3.0, 2.0);
  std::vector<T> values(static_cast<size_t>(size));
  for (T& v : values) v = static_cast<T>(draw(engine));
  return values;
}

template <typename T>
struct Passes {
  std::vector<T> y, origin, rest, m2, by_x, by_gamma, by_beta;

  bool operator==(const Passes&) const = default;
};

// A weight for each position, of which every third is 0.
template <typename T>
std::vector<T> weights_of(View view) {
  std::vector<T> weights(static_cast<size_t>(view.outer));
  for (size_t i = 0; i < weights.size(); ++i) weights[i] = static_cast<T>(i % 3);
  return weights;
}

template <typename T>
Passes<T> passes(View view, Activation activation, bool weighted = false) {
  const auto x = normal<T>(view.size(), 1), upstream = normal<T>(view.size(), 2);
  const std::vector<T> gamma = normal<T>(view.channels, 3), beta = normal<T>(view.channels, 4);
  const auto size = static_cast<size_t>(view.size()), channels = static_cast<size_t>(view.channels);
  Passes<T> p{std::vector<T>(size),     std::vector<T>(channels), std::vector<T>(channels), std::vector<T>(channels),
              std::vector<T>(size),     std::vector<T>(channels), std::vector<T>(channels)};
  const Settings settings{view, 1e-3, activation, 0.2};
  const auto given = weights_of<T>(view);
  const T* weights = weighted ? given.data() : nullptr;
  batch_norm_forward<T>(settings, x.data(), gamma.data(), beta.data(), weights, p.y.data(), p.origin.data(), p.rest.data(),
                        p.m2.data());
  batch_norm_backward<T>(settings, upstream.data(), x.data(), gamma.data(), beta.data(), p.origin.data(),
                         p.rest.data(), p.m2.data(), weights, p.by_x.data(), p.by_gamma.data(), p.by_beta.data());
  return p;
}

template <typename T>
void moments_are_those_of_plain_loops(View view, bool weighted = false) {
  const auto x = normal<T>(view.size(), 1), weights = weights_of<T>(view);
  const Passes<T> p = passes<T>(view, Activation::relu, weighted);
  for (int64_t c = 0; c < view.channels; ++c) {
    double sum = 0, squares = 0, n = 0;
    const auto each = [&](auto use) {
      for (int64_t o = 0; o < view.outer; ++o) {
        for (int64_t i = 0; i < view.inner; ++i) {
          use(static_cast<double>(x[static_cast<size_t>((o * view.channels + c) * view.inner + i)]),
              weighted ? static_cast<double>(weights[static_cast<size_t>(o)]) : 1.0);
        }
      }
    };
    each([&](double v, double w) { sum += w * v, n += w; });
    const double mean = n > 0 ? sum / n : 0;
    each([&](double v, double w) { squares += w * (v - mean) * (v - mean); });
    const auto at = static_cast<size_t>(c);
    const double step = std::numeric_limits<T>::epsilon() * (2 + std::sqrt(n));
    expect(std::fabs(static_cast<double>(p.origin[at]) + static_cast<double>(p.rest[at]) - mean) <= 8 * step, "mean",
           view);
    expect(std::fabs(static_cast<double>(p.m2[at]) - squares) <= step * (squares + 1), "m2", view);
  }
}

template <typename T>
void columns_are_those_of_plain_loops(View view) {
  const auto x = normal<T>(view.size(), 1);
  const auto channels = static_cast<size_t>(view.channels);
  std::vector<double> counts(channels), mean(channels), m2(channels);
  std::vector<T> low(channels), high(channels), y(x.size());
  expect(column_statistics<T>(x.data(), view, {counts.data(), mean.data(), m2.data(), low.data(), high.data()}),
         "finite columns", view);
  std::vector<T> origin(channels), factor(channels, T(2)), offset(channels, T(1));
  for (size_t c = 0; c < channels; ++c) origin[c] = static_cast<T>(mean[c]);
  const T end = std::numeric_limits<T>::infinity();
  expect(!affine<T>(x.data(), view, origin.data(), factor.data(), offset.data(), -end, end, y.data()), "all finite",
         view);
  for (size_t i = 0; i < x.size(); ++i) {
    const auto c = static_cast<size_t>(static_cast<int64_t>(i) / view.inner % view.channels);
    expect(y[i] == (x[i] - origin[c]) * T(2) + T(1), "affine", view);
    expect(low[c] <= x[i] && x[i] <= high[c], "range", view);
  }
  for (size_t c = 0; c < channels; ++c) expect(counts[c] == static_cast<double>(view.count()), "count", view);
}

// The value of a half, from its exponent and its fraction.
double value_of(uint16_t bits, int fraction_bits, int bias) {
  const int exponent = (bits & 0x7fff) >> fraction_bits, fraction = bits & ((1 << fraction_bits) - 1);
  const double magnitude = exponent == 0 ? std::ldexp(fraction, 1 - bias - fraction_bits)
                                         : std::ldexp(fraction + (1 << fraction_bits), exponent - bias - fraction_bits);
  return bits & 0x8000 ? -magnitude : magnitude;
}

// Every finite half is itself, and what lies between two is the nearer one, or the even one.
template <typename S>
void halves_are_read_and_rounded(int fraction_bits, int bias) {
  const View none{0, 0, 0};
  const int infinite = 0x7fff >> fraction_bits << fraction_bits;
  for (int sign : {0, 0x8000}) {
    for (int magnitude = 0; magnitude < infinite; ++magnitude) {
      const auto bits = static_cast<uint16_t>(sign | magnitude);
      const float here = load(S{bits});
      expect(here == value_of(bits, fraction_bits, bias) && std::signbit(here) == (sign != 0), "reading", none);
      expect(store<S>(here).bits == bits, "writing", none);
      // Beyond the largest lies what would be the next one, if there were room for it.
      const double next = value_of(static_cast<uint16_t>(bits + 1), fraction_bits, bias);
      const auto middle = static_cast<float>((value_of(bits, fraction_bits, bias) + next) / 2);
      const auto above = static_cast<uint16_t>(bits + 1);
      expect(store<S>(middle).bits == (magnitude % 2 == 0 ? bits : above), "ties", none);
      // A float has no room beside the middles of the smallest halves of one kind.
      if (std::fabs(middle) < std::numeric_limits<float>::min()) continue;
      const float far = sign != 0 ? -INFINITY : INFINITY;
      expect(store<S>(std::nextafter(middle, 0.0f)).bits == bits, "below a tie", none);
      expect(store<S>(std::nextafter(middle, far)).bits == above, "above a tie", none);
    }
    const auto infinity = static_cast<uint16_t>(sign | infinite);
    expect(std::isinf(load(S{infinity})) && store<S>(load(S{infinity})).bits == infinity, "infinity", none);
    for (int bits = infinite + 1; bits < 0x8000; ++bits) {
      const S nan{static_cast<uint16_t>(sign | bits)};
      expect(std::isnan(load(nan)) && std::isnan(load(store<S>(load(nan)))), "NaN", none);
    }
  }
}

void threads_change_nothing(View view) {
  set_threads(1);
  const auto alone = passes<float>(view, Activation::gelu);
  for (const int count : {2, 3, 7}) {
    set_threads(count);
    expect(passes<float>(view, Activation::gelu) == alone, "threads", view);
  }
  set_threads(4);
}

void callers_do_not_disturb_each_other(View view) {
  const auto alone = passes<float>(view, Activation::silu);
  std::vector<std::thread> callers;
  std::vector<int> same(6);
  for (int& result : same) {
    callers.emplace_back([&] {
      result = 1;
      for (int i = 0; i < 5; ++i) result &= passes<float>(view, Activation::silu) == alone ? 1 : 0;
    });
  }
  for (std::thread& caller : callers) caller.join();
  for (const int result : same) expect(result == 1, "callers", view);
}

void a_fork_goes_on(View view) {
  const auto alone = passes<float>(view, Activation::relu);
  const pid_t child = fork();
  if (child == 0) _exit(passes<float>(view, Activation::relu) == alone ? 0 : 1);
  int status = 1;
  waitpid(child, &status, 0);
  expect(WIFEXITED(status) && WEXITSTATUS(status) == 0, "fork", view);
}

}  // namespace

int main() {
  set_threads(4);
  halves_are_read_and_rounded<float16>(10, 15);
  halves_are_read_and_rounded<bfloat16>(7, 127);
  for (const View view : {View{1, 1, 1}, View{1, 3, 1}, View{9, 5, 1}, View{2100, 14, 1}, View{300, 1500, 1},
                          View{700, 1024, 1}, View{3, 4, 2}, View{2, 3, 700}, View{1, 2, 300000}}) {
    moments_are_those_of_plain_loops<float>(view);
    moments_are_those_of_plain_loops<double>(view);
    if (view.inner == 1) moments_are_those_of_plain_loops<float>(view, true);
    if (view.inner == 1) moments_are_those_of_plain_loops<double>(view, true);
    columns_are_those_of_plain_loops<float>(view);
    columns_are_those_of_plain_loops<double>(view);
  }
  passes<float>({0, 3, 1}, Activation::relu);
  const View large{3000, 300, 1};
  threads_change_nothing(large);
  callers_do_not_disturb_each_other(large);
  // A child of a process with threads may do little under the thread sanitizer.
  if (std::getenv("NORMWISE_NO_FORK") == nullptr) a_fork_goes_on(large);
  std::printf("%s: %d failures\n", target().name, failures);
  return failures == 0 ? 0 : 1;
}
