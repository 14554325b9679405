// What a mode guarantees, in plain words, and which slices stand on proved ground.
#include <algorithm>

#include "dsperse/report/report.h"

namespace dsperse::report {
namespace {

/// "word(first, key=value)" of a mode made of parts: the first argument; empty if the part is not there.
std::string_view argument(std::string_view mode, std::string_view word) {
  const std::size_t at = mode.find(std::string(word) + "(");
  if (at == std::string_view::npos) return {};
  const std::string_view rest = mode.substr(at + word.size() + 1);
  return rest.substr(0, rest.find_first_of(",)"));
}

std::string replicated(std::string_view mode, std::string_view k) {
  const bool regions = mode.find("distinct=region") != std::string_view::npos;
  const bool engines = mode.find("distinct=engine") != std::string_view::npos;
  const char* which = regions ? "in different regions" : engines ? "with different engines" : "of different operators";
  return "Computed by " + std::string(k) + " workers " + which +
         " whose results agree. Wrong only if all of them colluded or share one owner; that they are different is the "
         "coordinator's "
         "word.";
}

std::string audited(std::string_view mode, std::string_view p, Draw draw) {
  const bool by_proof = mode.find("by=proof") != std::string_view::npos;
  const std::string how = by_proof ? "proved afterwards" : "computed again by another worker";
  switch (draw) {
    case Draw::drawn:
      return "Drawn by the lottery (rate " + std::string(p) + "), " + how +
             " and found right: wrong only if both workers colluded.";
    case Draw::pending:
      return "To be checked by lottery (rate " + std::string(p) + "), which is not drawn yet: until then nothing holds it.";
    case Draw::not_drawn:
      break;
  }
  return "Checked by lottery: at a rate of " + std::string(p) + " a result is " + how +
         ", and a wrong one is found. This one was not drawn: a wrong result stays unseen, but whoever gave it could not know "
         "that.";
}

}  // namespace

std::string guarantee(std::string_view mode, unsigned bits, bool ancestors_proved, bool weights_public, Draw draw) {
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
  const std::string_view k = argument(mode, "replicate"), p = argument(mode, "audit");
  if (!k.empty() || !p.empty()) {
    std::string out = "Not proved. ";
    if (!k.empty()) out += replicated(mode, k);
    if (!p.empty()) out += (k.empty() ? "" : " ") + audited(mode, p, draw);
    return out;
  }
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
