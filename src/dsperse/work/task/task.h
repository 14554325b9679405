// What a coordinator asks of a worker, and what the worker answers, as canonical bytes.
//
// run: do the slice, commit to the result. open: show what was committed. prove: do the slice and prove it. A replica, an audit
// and a canary are run tasks like any other. Not here: who gets which (work/coordinator), doing it (work/worker).
// Source: docs/formats/tasks.md, docs/design/0010. Tested by work/task/task_test.cc and task_fuzz.cc.
#pragma once

#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "dsperse/trust/receipt/job.h"

namespace dsperse::work {

/// Inputs, outputs, live roots: each.
inline constexpr std::size_t kMaxPorts = 1024;
inline constexpr std::size_t kMaxReceiptText = std::size_t{1} << 20;

/// An input as it lies in the blob store: its values (int32, little-endian) by digest; seed: of its commitment, absent for a
/// public chunk.
struct TensorRef {
  std::uint32_t chunk = 0;
  Digest values{};
  std::optional<Digest> seed;
  friend bool operator==(const TensorRef&, const TensorRef&) = default;
};
/// An output to be made, with the seed of its commitment (R2), absent for a public chunk.
struct OutputRef {
  std::uint32_t chunk = 0;
  std::optional<Digest> seed;
  friend bool operator==(const OutputRef&, const OutputRef&) = default;
};
/// A reserved opening of the slice's weight tree: the epoch's root and seed, and the index that no other proof uses.
struct WeightOpening {
  Digest root{}, seed{};
  std::uint32_t opening = 0;
  friend bool operator==(const WeightOpening&, const WeightOpening&) = default;
};

/// inputs, outputs, live, ended: strictly ascending by chunk. live: all boundary roots before the slice, the inputs' among them.
struct SliceTask {
  Digest run{}, model{}, slice_key{}, nonce{};
  std::uint32_t slice = 0;
  Digest package{}, weights{};  ///< blobs: the slice's key with its chunks; its weights (zero if the key shows them)
  std::vector<TensorRef> inputs;
  std::vector<OutputRef> outputs;
  trust::BoundaryRoots live;
  std::vector<std::uint32_t> ended;  ///< chunks that nobody reads after this slice
  bool prove = false;
  std::optional<WeightOpening> opening;  ///< only with prove, and only for hidden weights
  friend bool operator==(const SliceTask&, const SliceTask&) = default;
};
/// Show what was committed for this job.
struct OpenTask {
  Digest job{};
  friend bool operator==(const OpenTask&, const OpenTask&) = default;
};
using Task = std::variant<SliceTask, OpenTask>;

/// Roots of the task's inputs. An input that is not live is left out (check_task refuses such a task).
trust::BoundaryRoots roots_in(const SliceTask& task);
/// trust::job_id over the task: also its id in the engine's queue.
Digest job_of(const SliceTask& task);
/// Id of the open task in the queue.
Digest job_of(const OpenTask& task);
/// h_in: digest of the live roots.
Digest h_in_of(const SliceTask& task);
/// Live roots after the slice made `roots_out`. Errors (bad_input): as trust::canonical_trace.
[[nodiscard]] Result<trust::BoundaryRoots> live_after(const SliceTask& task, const trust::BoundaryRoots& roots_out);

/// What stands for the root of a chunk whose values are public (trust/receipt/job.h).
using trust::public_root;

/// Errors (bad_input): a bound or an order above.
[[nodiscard]] Status check_task(const Task& task);
Bytes encode_task(const Task& task);
[[nodiscard]] Result<Task> decode_task(ByteView bytes);

/// Of a run task.
struct Committed {
  Digest commitment{};
  friend bool operator==(const Committed&, const Committed&) = default;
};
/// Blobs of outputs by chunk, ascending.
using OutputBlobs = std::vector<std::pair<std::uint32_t, Digest>>;
/// Of an open task. receipt: text of the signed envelope.
struct Opened {
  trust::Opening opening;
  Bytes receipt;
  OutputBlobs outputs;
  friend bool operator==(const Opened&, const Opened&) = default;
};
/// Of a prove task. proof: blob.
struct Proved {
  trust::Opening opening;
  Bytes receipt;
  OutputBlobs outputs;
  Digest proof{};
  friend bool operator==(const Proved&, const Proved&) = default;
};
using Answer = std::variant<Committed, Opened, Proved>;
Bytes encode_answer(const Answer& answer);
[[nodiscard]] Result<Answer> decode_answer(ByteView bytes);

}  // namespace dsperse::work
