// What a mode guarantees, in plain words, and which slices stand on proved ground.
#include <algorithm>

#include "dsperse/report/report.h"

namespace dsperse::report {

std::string guarantee(std::string_view mode, unsigned bits, bool ancestors_proved, bool weights_public) {
  if (mode == "proof") {
    std::string out = "Proved. Whoever accepted the certificate knows that this part was computed exactly as the model says";
    if (bits != 0)
      out += "; to fool the check, the proof system itself would have to be broken (odds of 1 in 2^" + std::to_string(bits) + ")";
    out += weights_public ? ". The proof shows nothing of what went on inside. The weights are public: they are in the key."
                          : ". The proof shows nothing of the weights or of what went on inside.";
    if (!ancestors_proved)
      out +=
          " But some of its input comes from a part that is not proved: if that part lied, this one computed correctly on a lie.";
    return out;
  }
  if (mode == "trust")
    return "Not proved. The result is what the operator says it is; nothing in this certificate would reveal a wrong one.";
  if (mode.starts_with("replicate"))
    return "Computed by several workers whose results agree. Wrong only if all of them colluded or share one owner.";
  if (mode.starts_with("audit"))
    return "Checked by lottery: some results are computed again, and a wrong one that is drawn is found. A wrong one that is not "
           "drawn stays unseen.";
  return "A mode that this report has no words for; take it as not proved.";
}

std::vector<bool> ancestors_proved(const Document& document) {
  const auto& slices = document.slices;
  std::vector<bool> result(slices.size(), true);
  const auto position = [&](std::int64_t index) -> std::size_t {
    const auto it =
        std::find_if(slices.begin(), slices.end(), [&](const Slice& s) { return static_cast<std::int64_t>(s.index) == index; });
    return static_cast<std::size_t>(it - slices.begin());
  };
  for (std::size_t i = 0; i < slices.size(); ++i) {  // slices are in topological order
    const auto stands_on = [&](std::size_t j) {
      if (j < i && (slices[j].mode != "proof" || !result[j])) result[i] = false;
    };
    if (document.edges.empty() && i > 0) stands_on(i - 1);
    for (const Edge& e : document.edges)
      if (e.to == static_cast<std::int64_t>(slices[i].index) && e.from != Edge::kOutside) stands_on(position(e.from));
  }
  return result;
}

}  // namespace dsperse::report
