// Tasks and answers: one text a value, every rule broken once, ids and digests that follow from them.
#include "dsperse/work/task/task.h"

#include <gtest/gtest.h>

#include <functional>

#include "dsperse/work/task/testing/sample.h"
#include "dsperse/work/task/values.h"

namespace dsperse::work {
namespace {

using testing::named;
using testing::sample_task;

std::vector<Task> tasks() { return {sample_task(), sample_task(true), OpenTask{named("job")}}; }
std::vector<Answer> answers() { return {Committed{named("c")}, testing::sample_opened(), testing::sample_proved()}; }

TEST(Task, BytesAreCanonical) {
  for (const Task& t : tasks()) {
    const Bytes bytes = encode_task(t);
    const auto again = decode_task(bytes);
    ASSERT_TRUE(again) << again.error().text();
    EXPECT_EQ(*again, t);
    EXPECT_EQ(encode_task(*again), bytes);
    EXPECT_FALSE(decode_answer(bytes));
  }
  for (const Answer& a : answers()) {
    const Bytes bytes = encode_answer(a);
    const auto again = decode_answer(bytes);
    ASSERT_TRUE(again) << again.error().text();
    EXPECT_EQ(*again, a);
    EXPECT_FALSE(decode_task(bytes));
  }
}

TEST(Task, TruncatedAndLongerBytesAreRefused) {
  const auto check = [](const Bytes& bytes, const auto& refused) {
    for (std::size_t n = 0; n < bytes.size(); ++n) EXPECT_TRUE(refused(ByteView(bytes).first(n))) << n;
    Bytes longer = bytes;
    longer.push_back(0);
    EXPECT_TRUE(refused(longer));
  };
  for (const Task& t : tasks()) check(encode_task(t), [](ByteView b) { return !decode_task(b).has_value(); });
  for (const Answer& a : answers()) check(encode_answer(a), [](ByteView b) { return !decode_answer(b).has_value(); });
}

/// Whatever byte is changed: refused, or another value with these very bytes.
TEST(Task, ChangedBytesAreSeen) {
  for (const Task& t : tasks()) {
    const Bytes bytes = encode_task(t);
    for (std::size_t i = 0; i < bytes.size(); ++i)
      for (const std::uint8_t x : Bytes{0x01, 0x02, 0x80}) {
        Bytes other = bytes;
        other[i] ^= x;
        if (const auto read = decode_task(other)) {
          EXPECT_NE(*read, t) << i;
          EXPECT_EQ(encode_task(*read), other) << i;
        }
      }
  }
  for (const Answer& a : answers()) {
    const Bytes bytes = encode_answer(a);
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      Bytes other = bytes;
      other[i] ^= 1;
      if (const auto read = decode_answer(other)) {
        EXPECT_NE(*read, a) << i;
        EXPECT_EQ(encode_answer(*read), other) << i;
      }
    }
  }
}

TEST(Task, EveryRule) {
  using Change = std::function<void(SliceTask&)>;
  const std::vector<std::pair<Change, std::string>> changes = {
      {[](SliceTask& t) { t.outputs.clear(); }, "no outputs"},
      {[](SliceTask& t) { std::swap(t.inputs[0], t.inputs[1]); }, "do not ascend"},
      {[](SliceTask& t) { t.inputs[1] = t.inputs[0]; }, "do not ascend"},
      {[](SliceTask& t) { std::swap(t.outputs[0], t.outputs[1]); }, "do not ascend"},
      {[](SliceTask& t) { std::swap(t.live[0], t.live[1]); }, "do not ascend"},
      {[](SliceTask& t) { t.ended = {8, 3}; }, "do not ascend"},
      {[](SliceTask& t) { t.ended = {3, 3}; }, "do not ascend"},
      {[](SliceTask& t) { t.live.erase(t.live.begin()); }, "input 3 has no live root"},
      {[](SliceTask& t) { t.outputs[1].chunk = 9; }, "output 9 is live"},
      {[](SliceTask& t) { t.ended = {4}; }, "chunk 4 ends"},
      {[](SliceTask& t) { t.prove = false; }, "nothing to prove"},
      {[](SliceTask& t) { t.weights = {}; }, "not hidden"},
      {[](SliceTask& t) {
         for (std::uint32_t c = 10; t.live.size() <= kMaxPorts; ++c) t.live.push_back({c, Digest{}});
       },
       "more than 1024"},
      {[](SliceTask& t) {
         for (std::uint32_t c = 10; t.outputs.size() <= kMaxPorts; ++c) t.outputs.push_back({c, std::nullopt});
       },
       "more than 1024"}};
  ASSERT_TRUE(check_task(sample_task(true)));
  for (const auto& [change, reason] : changes) {
    SliceTask t = sample_task(true);
    change(t);
    const Status status = check_task(t);
    ASSERT_FALSE(status) << reason;
    EXPECT_EQ(status.error().kind, ErrorKind::bad_input);
    if (reason != "more than 1024") {
      EXPECT_NE(status.error().what.find(reason), std::string::npos) << status.error().what;
    }
    EXPECT_FALSE(decode_task(encode_task(t))) << reason;
  }
}

TEST(Task, JobNamesRunSliceInputsAndNonceAlone) {
  const SliceTask t = sample_task();
  EXPECT_EQ(job_of(t), trust::job_id(t.run, t.slice_key, roots_in(t), t.nonce));
  EXPECT_EQ(roots_in(t), (trust::BoundaryRoots{{3, named("root 3")}, {5, named("root 5")}}));
  for (const auto& change : std::vector<std::function<void(SliceTask&)>>{
           [](SliceTask& x) { x.run = {}; }, [](SliceTask& x) { x.slice_key = {}; }, [](SliceTask& x) { x.nonce = {}; },
           [](SliceTask& x) { x.live[0].root = {}; }}) {
    SliceTask other = t;
    change(other);
    EXPECT_NE(job_of(other), job_of(t));
  }
  SliceTask same = t;
  same.prove = true, same.slice = 9, same.live[2].root = {}, same.ended.clear();
  EXPECT_EQ(job_of(same), job_of(t));
  EXPECT_NE(job_of(OpenTask{job_of(t)}), job_of(t));
}

TEST(Task, TraceGoesOn) {
  const SliceTask t = sample_task();
  EXPECT_EQ(h_in_of(t), trust::trace_digest(t.live));
  const trust::BoundaryRoots made = {{7, named("root 7")}, {8, named("root 8")}};
  const auto after = live_after(t, made);
  ASSERT_TRUE(after) << after.error().text();
  EXPECT_EQ(*after, (trust::BoundaryRoots{{5, named("root 5")}, {7, named("root 7")}, {9, named("root 9")}}));
  const trust::TraceStep step{made, t.ended};
  const auto digests = trust::canonical_trace(t.live, {&step, 1});
  ASSERT_TRUE(digests);
  EXPECT_EQ(digests->at(1), trust::trace_digest(*after));
  EXPECT_FALSE(live_after(t, {{3, named("again")}})) << "a chunk that lives is made";
  EXPECT_FALSE(live_after(t, {})) << "8 ends without being made";
}

TEST(Task, ValuesAreInt32LittleEndian) {
  const std::vector<std::int32_t> values = {1, -1, 0x01020304, -2147483647 - 1};
  const Bytes bytes = encode_values(values);
  EXPECT_EQ(bytes, (Bytes{1, 0, 0, 0, 255, 255, 255, 255, 4, 3, 2, 1, 0, 0, 0, 128}));
  EXPECT_EQ(decode_values(bytes, 4), values);
  EXPECT_FALSE(decode_values(bytes, 3));
  EXPECT_FALSE(decode_values(ByteView(bytes).first(15), 3));
  EXPECT_FALSE(decode_values(ByteView(bytes).first(15), 4));
}

}  // namespace
}  // namespace dsperse::work
