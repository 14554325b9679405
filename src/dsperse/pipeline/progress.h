// What happens while a pipeline works, told to whoever shows it. The pipeline itself never prints.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace dsperse::pipeline {

struct Event {
  enum class Kind : std::uint8_t {
    stage,     ///< a step of the whole command begins; text names it
    begin,     ///< work on a slice begins; text names what is done, predicted_s is how long it may take (0: unknown)
    claimed,   ///< the slice's openings are durably used, its proof is not yet visible
    finished,  ///< the slice is done in `seconds`
    kept,      ///< the slice was done before
    note,      ///< something that the user should know
  };
  Kind kind = Kind::stage;
  std::uint32_t slice = 0, slices = 0;  ///< of begin, claimed, finished, kept
  std::string text;
  double seconds = 0, predicted_s = 0;
  std::uint64_t bytes = 0;  ///< of a finished proof
};

/// May be called from several threads, one call at a time.
using Observer = std::function<void(const Event&)>;

inline void tell(const Observer& observer, Event event) {
  if (observer) observer(event);
}

}  // namespace dsperse::pipeline
