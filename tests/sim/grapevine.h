// Everything that goes over the wire, overheard: what adversaries know of each other's jobs, and what judges look at afterwards.
//
// Stronger than any real eavesdropper: a liar here knows more than it could. Tested by tests/sim/ports_test.cc.
#pragma once

#include <map>

#include "dsperse/work/task/task.h"
#include "truth.h"

namespace dsperse::sim {

struct Grapevine {
  struct Heard {
    engine::Job job;
    std::optional<work::Task> task;
  };
  struct Answered {
    Digest job{};
    Digest worker{};
    Bytes bytes;
  };
  /// A wrong result that somebody handed out.
  struct Lie {
    Digest run{}, job{}, worker{};
    std::uint32_t slice = 0;
    friend auto operator<=>(const Lie&, const Lie&) = default;
  };
  std::map<Digest, Heard> jobs;   ///< by id
  std::vector<Digest> order;      ///< of jobs, as submitted
  std::vector<Answered> answers;  ///< in order of sending
  std::set<Lie> lies;
  std::uint64_t worked = 0;  ///< slice tasks that were computed, honestly or not

  void submitted(const engine::Job& job) {
    if (jobs.contains(job.id)) return;
    Heard heard{job, {}};
    if (auto task = work::decode_task(job.payload)) heard.task = std::move(*task);
    jobs.emplace(job.id, std::move(heard));
    order.push_back(job.id);
  }
  [[nodiscard]] const work::SliceTask* slice_task(const Digest& job) const {
    const auto it = jobs.find(job);
    return it == jobs.end() || !it->second.task ? nullptr : std::get_if<work::SliceTask>(&*it->second.task);
  }
};

}  // namespace dsperse::sim
