#include "dsperse/run/accumulate.h"

#include <algorithm>

#include "dsperse/run/linear.h"

namespace dsperse::run {

void accumulate(const quantize::Program& program, const quantize::Op& op, const quantize::WeightValues& w,
                const quantize::IntTensor& x, std::span<std::int64_t> acc) {
  Linear(program, op, w, false).run(x, [&](std::int64_t first, const std::int64_t* sums, std::int64_t n) {
    std::copy_n(sums, n, acc.data() + first);
  });
}

}  // namespace dsperse::run
