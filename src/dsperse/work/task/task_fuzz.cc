// Any bytes as a task and as an answer: refused, or what encodes to the same bytes again and what the rules hold for.
#include <algorithm>
#include <cstdlib>

#include "dsperse/work/task/task.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace dsperse;
  using namespace dsperse::work;
  const ByteView bytes{data, size};
  const auto same = [&](const Bytes& again) {
    if (!std::equal(bytes.begin(), bytes.end(), again.begin(), again.end())) std::abort();
  };
  if (const auto task = decode_task(bytes)) {
    same(encode_task(*task));
    if (const auto* slice = std::get_if<SliceTask>(&*task)) {
      if (roots_in(*slice).size() != slice->inputs.size()) std::abort();
      trust::BoundaryRoots made;
      for (const OutputRef& o : slice->outputs) made.push_back({o.chunk, Digest{}});
      const auto after = live_after(*slice, made);  // a task that was taken can be finished
      if (!after || !trust::ascends(*after)) std::abort();
    }
  }
  if (const auto answer = decode_answer(bytes)) same(encode_answer(*answer));
  return 0;
}
