// Errands and the engine's queue: what is submitted, what came back.
#pragma once

#include "dsperse/work/coordinator/standings.h"
#include "dsperse/work/coordinator/tasks.h"

namespace dsperse::work {

/// What became of a job. over: nothing will come but a late result. lapsed: a lease of it was lost.
struct Answered {
  std::optional<Bytes> result;  ///< the completed lease's, else the first late one
  bool over = false, lapsed = false;
};
/// Nothing at all for a job that is not there yet.
[[nodiscard]] Result<Answered> answer_of(engine::JobQueue& jobs, const Digest& id);

/// Submits the errand's present job: its slice task, or the open task once it is asked for.
[[nodiscard]] Status submit(engine::JobQueue& jobs, const Errand& errand, ByteView slice_task, const ModelFacts& model,
                            const Settings& settings);
/// Id of the errand's present job.
Digest present_job(const Errand& errand);

/// Remembers which receipt follows which; two that follow one are an equivocation: evidence and a strike (R4).
[[nodiscard]] Status note_chain(Coordinator::Ports& ports, Standings& standings, Keeper& keeper, const trust::Receipt& receipt,
                                const Bytes& text);

}  // namespace dsperse::work
