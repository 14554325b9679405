#include <algorithm>
#include <set>

#include "dsperse/ops/einsum/einsum.h"

namespace dsperse::ops {

using model::InferCall;
using model::Shape;
using Letters = std::vector<std::uint32_t>;

namespace {

/// A tensor on the way, one letter an axis.
struct Part {
  std::string name;
  Letters letters;
  Shape shape;
};

bool holds(const Letters& letters, std::uint32_t l) { return std::ranges::find(letters, l) != letters.end(); }

/// The equation's letters as characters: those of an expansion's nodes.
std::string text_of(const Letters& letters, const Letters& used) {
  std::string out;
  for (const std::uint32_t l : letters) {
    const auto k = static_cast<std::size_t>(std::ranges::find(used, l) - used.begin());
    out += static_cast<char>(k < 26 ? 'a' + k : 'A' + (k - 26));
  }
  return out;
}

void permute(Emitter& e, Part& p, const Letters& to) {
  if (p.letters == to) return;
  std::vector<std::int64_t> perm;
  Shape shape;
  for (const std::uint32_t l : to) {
    perm.push_back(std::ranges::find(p.letters, l) - p.letters.begin());
    shape.push_back(p.shape[static_cast<std::size_t>(perm.back())]);
  }
  p = {e.transpose(p.name, perm), to, shape};
}

/// Letters that are twice in an operand: their two axes side by side at the end, as one, of which every (n + 1)-th is taken.
void take_diagonals(Emitter& e, Part& p) {
  for (std::size_t first = 0; first < p.letters.size();) {
    const std::uint32_t l = p.letters[first];
    const auto second = static_cast<std::size_t>(
        std::find(p.letters.begin() + static_cast<std::ptrdiff_t>(first) + 1, p.letters.end(), l) - p.letters.begin());
    if (second == p.letters.size()) {
      ++first;
      continue;
    }
    if (p.shape[first] != p.shape[second]) {  // one of them repeats: it goes
      const std::size_t unit = p.shape[first] == 1 ? first : second;
      p.name = e.squeeze(p.name, static_cast<std::int64_t>(unit));
      p.letters.erase(p.letters.begin() + static_cast<std::ptrdiff_t>(unit));
      p.shape.erase(p.shape.begin() + static_cast<std::ptrdiff_t>(unit));
      continue;
    }
    std::vector<std::int64_t> perm;
    Letters letters;
    Shape shape;
    for (std::size_t k = 0; k < p.letters.size(); ++k)
      if (k != first && k != second) {
        perm.push_back(static_cast<std::int64_t>(k));
        letters.push_back(p.letters[k]);
        shape.push_back(p.shape[k]);
      }
    const std::int64_t n = p.shape[first], axis = static_cast<std::int64_t>(shape.size());
    perm.push_back(static_cast<std::int64_t>(first)), perm.push_back(static_cast<std::int64_t>(second));
    Shape flat = shape;
    flat.push_back(n * n);
    const std::string line = e.reshape(e.transpose(p.name, perm), flat);
    letters.push_back(l);
    shape.push_back(n);
    p = {e.op("Slice", {line, e.ints({0}), e.ints({n * n}), e.ints({axis}), e.ints({n + 1})}), letters, shape};
    first = 0;
  }
}

/// Letters that nothing else needs are summed, unless they are in both operands.
void sum_out(Emitter& e, Part& p, const std::set<std::uint32_t>& needed) {
  std::vector<std::int64_t> axes;
  Part rest{p.name, {}, {}};
  for (std::size_t k = 0; k < p.letters.size(); ++k)
    if (needed.contains(p.letters[k])) {
      rest.letters.push_back(p.letters[k]);
      rest.shape.push_back(p.shape[k]);
    } else {
      axes.push_back(static_cast<std::int64_t>(k));
    }
  if (axes.empty()) return;
  rest.name = e.reduce("ReduceSum", p.name, std::move(axes), false);
  p = std::move(rest);
}

}  // namespace

Expanded expand_einsum(const InferCall& call) {
  DSPERSE_CHECK_OK(infer_einsum(call));
  DSPERSE_TRY(const Equation eq, equation_of(call));
  const auto repeats = [](const Letters& l) { return std::set<std::uint32_t>(l.begin(), l.end()).size() != l.size(); };
  if (eq.operands.size() == 2 && std::ranges::none_of(eq.operands, repeats)) return model::Expansion{};
  Letters used;
  for (std::uint32_t l = 0; l < eq.extent.size(); ++l)
    if (eq.extent[l] != -1) used.push_back(l);
  if (used.size() > 52) return fail(ErrorKind::unsupported, "more than 52 axes", "attribute 'equation'");
  if (call.opset < 12) return fail(ErrorKind::bad_input, "Einsum exists from opset 12 on");

  Emitter e(call);
  std::vector<Part> parts;
  for (std::size_t i = 0; i < eq.operands.size(); ++i) {
    parts.push_back({e.input(i), eq.operands[i], e.shape(i)});
    take_diagonals(e, parts.back());
  }
  Part result = parts[0];
  for (std::size_t i = 1; i < parts.size(); ++i) {
    std::set<std::uint32_t> needed(eq.out.begin(), eq.out.end());
    for (std::size_t k = i + 1; k < parts.size(); ++k) needed.insert(parts[k].letters.begin(), parts[k].letters.end());
    Part product;
    for (const auto* p : {&result, &parts[i]})
      for (const std::uint32_t l : p->letters)
        if (needed.contains(l) && !holds(product.letters, l)) product.letters.push_back(l);
    if (i + 1 == parts.size()) product.letters = eq.out;
    for (const std::uint32_t l : product.letters) {
      std::int64_t extent = 1;
      for (const auto* p : {&result, &parts[i]})
        for (std::size_t k = 0; k < p->letters.size(); ++k)
          if (p->letters[k] == l) extent = std::max(extent, p->shape[k]);
      product.shape.push_back(extent);
    }
    product.name = e.op("Einsum", {result.name, parts[i].name},
                        {{"equation", text_of(result.letters, used) + "," + text_of(parts[i].letters, used) + "->" +
                                          text_of(product.letters, used)}});
    result = std::move(product);
  }
  if (parts.size() == 1) sum_out(e, result, {eq.out.begin(), eq.out.end()});
  permute(e, result, eq.out);
  return e.finish({result.name});
}

}  // namespace dsperse::ops
