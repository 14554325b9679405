#include <algorithm>
#include <limits>
#include <map>
#include <set>

#include "dsperse/ops/einsum/einsum.h"

namespace dsperse::ops {

using model::DType;
using model::InferCall;
using model::Shape;

namespace {

constexpr std::uint32_t kDot = std::numeric_limits<std::uint32_t>::max();  ///< the place of an ellipsis
constexpr std::size_t kLetters = 52;

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
std::uint32_t number_of(char c) { return static_cast<std::uint32_t>(c >= 'a' ? c - 'a' + 26 : c - 'A'); }

std::unexpected<Error> wrong(const std::string& why) { return fail(ErrorKind::bad_input, why, "attribute 'equation'"); }

/// "ab...c" as letters, kDot where the ellipsis is.
Result<std::vector<std::uint32_t>> term_of(const std::string& text) {
  std::vector<std::uint32_t> out;
  bool dots = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (is_letter(text[i])) {
      out.push_back(number_of(text[i]));
    } else if (!dots && text.compare(i, 3, "...") == 0) {
      dots = true, i += 2;
      out.push_back(kDot);
    } else {
      return wrong("not letters and one ellipsis");
    }
  }
  return out;
}

}  // namespace

Result<Equation> equation_of(const InferCall& call) {
  DSPERSE_TRY(std::string text, call.node.string_or("equation", ""));
  std::erase(text, ' ');
  const std::size_t arrow = text.find("->");
  std::vector<std::vector<std::uint32_t>> terms;
  const std::string left = text.substr(0, arrow);
  for (std::size_t at = 0; at <= left.size();) {
    const std::size_t comma = std::min(left.find(',', at), left.size());
    DSPERSE_TRY(auto term, term_of(left.substr(at, comma - at)));
    terms.push_back(std::move(term));
    at = comma + 1;
  }
  if (terms.size() != call.inputs.size())
    return wrong(std::to_string(terms.size()) + " operands, but the node has " + std::to_string(call.inputs.size()) + " inputs");

  Equation e;
  e.extent.assign(kLetters, -1);
  // Ellipses are right-aligned: the axis that is k-th from their end has letter kLetters + k.
  std::size_t widest = 0;
  for (std::size_t i = 0; i < terms.size(); ++i) {
    const Shape& shape = call.inputs[i]->shape;
    const bool dots = std::ranges::find(terms[i], kDot) != terms[i].end();
    const std::size_t named = terms[i].size() - (dots ? 1 : 0);
    if (shape.size() < named || (!dots && shape.size() != named))
      return fail(ErrorKind::bad_input, "shape " + model::shape_text(shape) + " does not have the equation's axes",
                  input_text(call.node, i));
    const std::size_t width = shape.size() - named;
    widest = std::max(widest, dots ? width : 0);
    std::vector<std::uint32_t> letters;
    for (const std::uint32_t l : terms[i])
      if (l == kDot)
        for (std::size_t k = width; k-- > 0;) letters.push_back(static_cast<std::uint32_t>(kLetters + k));
      else
        letters.push_back(l);
    e.extent.resize(std::max(e.extent.size(), kLetters + widest), -1);
    for (std::size_t axis = 0; axis < letters.size(); ++axis) {
      std::int64_t& extent = e.extent[letters[axis]];
      if (extent != -1 && extent != shape[axis] && extent != 1 && shape[axis] != 1)
        return fail(ErrorKind::bad_input,
                    "axis " + std::to_string(axis) + " has " + std::to_string(shape[axis]) +
                        " elements where another one of its letter has " + std::to_string(extent),
                    input_text(call.node, i));
      extent = extent == -1 || extent == 1 ? shape[axis] : extent;
    }
    e.operands.push_back(std::move(letters));
  }
  std::vector<std::uint32_t> out;
  if (arrow != std::string::npos) {
    DSPERSE_TRY(out, term_of(text.substr(arrow + 2)));
  } else {  // the ellipsis, then every letter that occurs once, in the order of the alphabet
    if (widest > 0) out.push_back(kDot);
    std::map<std::uint32_t, int> count;
    for (const auto& operand : e.operands)
      for (const std::uint32_t l : operand) ++count[l];
    for (const auto& [l, n] : count)
      if (n == 1 && l < kLetters) out.push_back(l);
  }
  std::set<std::uint32_t> seen;
  for (const std::uint32_t l : out) {
    if (l == kDot) {
      for (std::size_t k = widest; k-- > 0;) e.out.push_back(static_cast<std::uint32_t>(kLetters + k));
      continue;
    }
    if (!seen.insert(l).second) return wrong("a letter is twice in the output");
    if (e.extent[l] == -1) return wrong("a letter of the output is in no operand");
    e.out.push_back(l);
  }
  return e;
}

Inferred infer_einsum(const InferCall& call) {
  DSPERSE_CHECK_OK(expect_inputs(call, 1, model::kMaxRank * 4));
  for (std::size_t i = 0; i < call.inputs.size(); ++i) {
    if (!has_input(call, i)) return fail(ErrorKind::bad_input, "input is missing", input_text(call.node, i));
    DSPERSE_CHECK_OK(expect_float(call, i));
  }
  DSPERSE_TRY(const Equation e, equation_of(call));
  Shape out;
  for (const std::uint32_t l : e.out) out.push_back(e.extent[l]);
  if (out.size() > model::kMaxRank) return fail(ErrorKind::unsupported, "more than 16 axes", "attribute 'equation'");
  return one_output(DType::f32, std::move(out));
}

}  // namespace dsperse::ops
