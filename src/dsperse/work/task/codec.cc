// Tasks and answers as bytes. Which tasks are sound is task.cc.
#include <algorithm>
#include <string_view>
#include <type_traits>

#include "dsperse/work/task/task.h"

namespace dsperse::work {
namespace {

constexpr std::string_view kTaskMagic = "DSTASK01", kAnswerMagic = "DSANSW01";
enum : std::uint8_t { kSlice = 1, kOpen = 2 };
enum : std::uint8_t { kCommitted = 1, kOpened = 2, kProved = 3 };

void write_magic(ByteWriter& w, std::string_view magic, std::uint8_t kind) {
  w.raw({reinterpret_cast<const std::uint8_t*>(magic.data()), magic.size()});
  w.u8(kind);
}
/// The kind behind the magic; 0 if another one is there.
std::uint8_t read_magic(ByteReader& r, std::string_view magic) {
  const ByteView found = r.take(magic.size());
  const std::uint8_t kind = r.u8();
  const auto same = [](std::uint8_t a, char b) { return a == static_cast<std::uint8_t>(b); };
  return r.ok() && std::equal(found.begin(), found.end(), magic.begin(), same) ? kind : 0;
}

/// 0 or 1.
bool read_flag(ByteReader& r) {
  const std::uint8_t flag = r.u8();
  if (flag > 1) r.set_bad();
  return flag == 1;
}

void write_seed(ByteWriter& w, const std::optional<Digest>& seed) {
  w.u8(seed ? 1 : 0);
  if (seed) w.raw(*seed);
}
std::optional<Digest> read_seed(ByteReader& r) {
  if (!read_flag(r)) return std::nullopt;
  return r.digest();
}

std::uint32_t count_of(std::size_t n) { return static_cast<std::uint32_t>(n); }

void write(ByteWriter& w, const SliceTask& t) {
  for (const Digest* d : {&t.run, &t.model, &t.slice_key, &t.nonce}) w.raw(*d);
  w.u32(t.slice);
  w.raw(t.package);
  w.raw(t.weights);
  w.u32(count_of(t.inputs.size()));
  for (const TensorRef& i : t.inputs) {
    w.u32(i.chunk);
    w.raw(i.values);
    write_seed(w, i.seed);
  }
  w.u32(count_of(t.outputs.size()));
  for (const OutputRef& o : t.outputs) {
    w.u32(o.chunk);
    write_seed(w, o.seed);
  }
  w.u32(count_of(t.live.size()));
  for (const trust::BoundaryRoot& b : t.live) {
    w.u32(b.chunk);
    w.raw(b.root);
  }
  w.u32(count_of(t.ended.size()));
  for (const std::uint32_t c : t.ended) w.u32(c);
  w.u8(t.prove ? 1 : 0);
  w.u8(t.opening ? 1 : 0);
  if (t.opening) {
    w.raw(t.opening->root);
    w.raw(t.opening->seed);
    w.u32(t.opening->opening);
  }
}

SliceTask read_slice(ByteReader& r) {
  SliceTask t;
  for (Digest* d : {&t.run, &t.model, &t.slice_key, &t.nonce}) *d = r.digest();
  t.slice = r.u32();
  t.package = r.digest();
  t.weights = r.digest();
  t.inputs.resize(r.count(kMaxPorts, 37));
  for (TensorRef& i : t.inputs) {
    i.chunk = r.u32();
    i.values = r.digest();
    i.seed = read_seed(r);
  }
  t.outputs.resize(r.count(kMaxPorts, 5));
  for (OutputRef& o : t.outputs) {
    o.chunk = r.u32();
    o.seed = read_seed(r);
  }
  t.live.resize(r.count(kMaxPorts, 36));
  for (trust::BoundaryRoot& b : t.live) {
    b.chunk = r.u32();
    b.root = r.digest();
  }
  t.ended.resize(r.count(kMaxPorts, 4));
  for (std::uint32_t& c : t.ended) c = r.u32();
  t.prove = read_flag(r);
  if (read_flag(r)) {
    t.opening.emplace();
    t.opening->root = r.digest();
    t.opening->seed = r.digest();
    t.opening->opening = r.u32();
  }
  return t;
}

/// What Opened and Proved have in common.
template <class Shown>
void write_shown(ByteWriter& w, const Shown& a) {
  w.raw(a.opening.h_out);
  w.raw(a.opening.salt);
  w.u32(count_of(a.receipt.size()));
  w.raw(a.receipt);
  w.u32(count_of(a.outputs.size()));
  for (const auto& [chunk, digest] : a.outputs) {
    w.u32(chunk);
    w.raw(digest);
  }
}
template <class Shown>
Shown read_shown(ByteReader& r) {
  Shown a;
  a.opening.h_out = r.digest();
  a.opening.salt = r.digest();
  const ByteView receipt = r.take(r.count(kMaxReceiptText, 1));
  a.receipt.assign(receipt.begin(), receipt.end());
  a.outputs.resize(r.count(kMaxPorts, 36));
  for (std::size_t i = 0; i < a.outputs.size(); ++i) {
    a.outputs[i].first = r.u32();
    a.outputs[i].second = r.digest();
    if (i > 0 && a.outputs[i - 1].first >= a.outputs[i].first) r.set_bad();
  }
  return a;
}

std::unexpected<Error> bad(const char* what, const ByteReader& r) {
  return fail(ErrorKind::bad_input, what, "byte " + std::to_string(r.position()), "docs/formats/tasks.md has the bytes");
}

}  // namespace

Bytes encode_task(const Task& task) {
  ByteWriter w;
  if (const auto* slice = std::get_if<SliceTask>(&task)) {
    write_magic(w, kTaskMagic, kSlice);
    write(w, *slice);
  } else {
    write_magic(w, kTaskMagic, kOpen);
    w.raw(std::get<OpenTask>(task).job);
  }
  return w.take();
}

Result<Task> decode_task(ByteView bytes) {
  ByteReader r(bytes);
  Task task;
  switch (read_magic(r, kTaskMagic)) {
    case kSlice:
      task = read_slice(r);
      break;
    case kOpen:
      task = OpenTask{r.digest()};
      break;
    default:
      return bad("not a task that this worker knows", r);
  }
  if (!r.finished()) return bad("not a canonical task", r);
  DSPERSE_CHECK_OK(check_task(task));
  return task;
}

Bytes encode_answer(const Answer& answer) {
  ByteWriter w;
  std::visit(
      [&](const auto& a) {
        using T = std::decay_t<decltype(a)>;
        if constexpr (std::is_same_v<T, Committed>) {
          write_magic(w, kAnswerMagic, kCommitted);
          w.raw(a.commitment);
        } else {
          write_magic(w, kAnswerMagic, std::is_same_v<T, Proved> ? kProved : kOpened);
          write_shown(w, a);
        }
        if constexpr (std::is_same_v<T, Proved>) w.raw(a.proof);
      },
      answer);
  return w.take();
}

Result<Answer> decode_answer(ByteView bytes) {
  ByteReader r(bytes);
  Answer answer;
  switch (read_magic(r, kAnswerMagic)) {
    case kCommitted:
      answer = Committed{r.digest()};
      break;
    case kOpened:
      answer = read_shown<Opened>(r);
      break;
    case kProved: {
      Proved proved = read_shown<Proved>(r);
      proved.proof = r.digest();
      answer = std::move(proved);
      break;
    }
    default:
      return bad("not an answer of a worker", r);
  }
  if (!r.finished()) return bad("not a canonical answer", r);
  return answer;
}

}  // namespace dsperse::work
