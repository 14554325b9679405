#include "dsperse/slice/tile_order.h"

#include <algorithm>
#include <functional>
#include <queue>
#include <tuple>

#include "dsperse/quantize/operands.h"
#include "dsperse/slice/cut.h"
#include "dsperse/slice/tile_rearrange.h"

namespace dsperse::slice {
namespace {

constexpr std::uint32_t kNone = 0xFFFFFFFFU;

/// Op that makes each tensor; kNone: an input.
std::vector<std::uint32_t> producers(const Parts& parts) {
  std::vector<std::uint32_t> out(parts.tensors.size(), kNone);
  for (std::uint32_t i = 0; i < parts.ops.size(); ++i) out[quantize::op_output(parts.ops[i].op)] = i;
  return out;
}

/// Reads `to` where it read `from`.
void reread(PartOp& op, std::uint32_t from, std::uint32_t to) {
  quantize::each_operand(op.op.body, [&](auto& id) { id = id == from ? to : id; }, [](auto&) {});
}

/// A Slice out of another tensor than before.
void slice_from(PartOp& op, std::uint32_t from, const Parts& parts) {
  auto& r = std::get<quantize::Rearrange>(op.op.body);
  quantize::Rearrange moved = move_box(parts.tensors[r.y].part.box, std::vector{parts.tensors[from].part.box}, r.fill);
  moved.y = r.y;
  moved.pieces[0].x = from;
  r = std::move(moved);
}

/// The smallest box that holds what these Slices cut out.
Box hull(const Parts& parts, const std::vector<std::uint32_t>& readers, std::size_t first) {
  Box out = parts.tensors[quantize::op_output(parts.ops[readers[first]].op)].part.box;
  for (std::size_t i = first + 1; i < readers.size(); ++i) {
    const Box& box = parts.tensors[quantize::op_output(parts.ops[readers[i]].op)].part.box;
    for (std::size_t k = 0; k < box.begin.size(); ++k) {
      out.begin[k] = std::min(out.begin[k], box.begin[k]);
      out.end[k] = std::max(out.end[k], box.end[k]);
    }
  }
  return out;
}

}  // namespace

void sort_parts(Parts& parts) {
  const std::vector<std::uint32_t> producer = producers(parts);
  std::vector<std::vector<std::uint32_t>> readers(parts.ops.size());
  std::vector<std::size_t> missing(parts.ops.size(), 0);
  using Entry = std::pair<std::array<std::uint32_t, 4>, std::uint32_t>;
  std::priority_queue<Entry, std::vector<Entry>, std::greater<>> ready;
  for (std::uint32_t i = 0; i < parts.ops.size(); ++i) {
    for (const std::uint32_t id : quantize::op_inputs(parts.ops[i].op)) {
      if (producer[id] == kNone) continue;
      readers[producer[id]].push_back(i);
      ++missing[i];
    }
    if (missing[i] == 0) ready.emplace(parts.ops[i].key, i);
  }
  std::vector<PartOp> sorted;
  while (!ready.empty()) {
    const std::uint32_t i = ready.top().second;
    ready.pop();
    for (const std::uint32_t r : readers[i])
      if (--missing[r] == 0) ready.emplace(parts.ops[r].key, r);
    sorted.push_back(std::move(parts.ops[i]));
  }
  parts.ops = std::move(sorted);
}

void drop_unread(Parts& parts) {
  std::vector<bool> read(parts.tensors.size(), false);
  for (const std::uint32_t id : parts.outputs) read[id] = true;
  std::vector<PartOp> kept;
  for (std::size_t i = parts.ops.size(); i-- > 0;) {
    PartOp& op = parts.ops[i];
    if (op.made && !read[quantize::op_output(op.op)]) continue;
    for (const std::uint32_t id : quantize::op_inputs(op.op)) read[id] = true;
    kept.push_back(std::move(op));
  }
  std::reverse(kept.begin(), kept.end());
  parts.ops = std::move(kept);
}

void limit_readers(Parts& parts) {
  const std::vector<std::uint32_t> producer = producers(parts);
  std::vector<std::vector<std::uint32_t>> readers(parts.tensors.size());
  for (std::uint32_t i = 0; i < parts.ops.size(); ++i)
    for (const std::uint32_t id : quantize::op_inputs(parts.ops[i].op))
      if (readers[id].empty() || readers[id].back() != i) readers[id].push_back(i);
  std::vector<std::pair<std::uint32_t, PartOp>> inserted;  // before the op of this number
  for (std::uint32_t id = 0; id < readers.size(); ++id) {
    const std::vector<std::uint32_t>& ops = readers[id];
    const auto made = [&](std::uint32_t i) { return parts.ops[i].made; };
    const bool tiled = (producer[id] != kNone && made(producer[id])) || std::any_of(ops.begin(), ops.end(), made);
    if (!tiled || (parts.tensors[id].is_public && !parts.tensors[id].is_input)) continue;
    std::uint32_t source = id;
    std::size_t at = 0;
    while (ops.size() - at > kMaxConsumers) {
      at += kMaxConsumers - 1;  // and the copy
      const bool slices = std::all_of(ops.begin() + static_cast<std::ptrdiff_t>(at), ops.end(),
                                      [&](std::uint32_t i) { return parts.ops[i].is_slice; });
      const std::uint32_t before = source;
      const quantize::TensorSpec spec = parts.tensors[source].spec;
      const Box all = parts.tensors[source].part.box;
      const std::string name = parts.tensor_names(parts.tensors[id].spec.name + " copy");
      const PartOp& reader = parts.ops[ops[at]];
      PartOp copy = move_op(parts, spec, slices ? hull(parts, ops, at) : all, {source}, parts.op_names(reader.op.name + " copy"),
                            "Identity", name);
      copy.old_op = reader.old_op;
      source = quantize::op_output(copy.op);
      inserted.emplace_back(ops[at], std::move(copy));
      for (std::size_t i = at; i < ops.size(); ++i) {
        if (parts.ops[ops[i]].is_slice)
          slice_from(parts.ops[ops[i]], source, parts);
        else
          reread(parts.ops[ops[i]], before, source);
      }
    }
  }
  std::stable_sort(inserted.begin(), inserted.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<PartOp> all;
  auto next = inserted.begin();
  for (std::uint32_t i = 0; i < parts.ops.size(); ++i) {
    for (; next != inserted.end() && next->first == i; ++next) all.push_back(std::move(next->second));
    all.push_back(std::move(parts.ops[i]));
  }
  parts.ops = std::move(all);
}

Tiled number_parts(Parts parts, const quantize::Program& program) {
  Tiled out;
  std::vector<std::uint32_t> tensor(parts.tensors.size(), kNone), weight(parts.weights.size(), kNone);
  const auto number = [&](std::uint32_t id) {
    tensor[id] = static_cast<std::uint32_t>(out.tensors.size());
    out.tensors.push_back(std::move(parts.tensors[id].part));
    out.program.tensors.push_back(std::move(parts.tensors[id].spec));
  };
  for (const std::uint32_t id : parts.inputs) number(id);
  for (const PartOp& op : parts.ops) number(quantize::op_output(op.op));
  // Weights that an op uses, by their place in the old ones.
  std::vector<std::uint32_t> used;
  for (const PartOp& op : parts.ops)
    for (const std::uint32_t id : quantize::op_weights(op.op)) used.push_back(id);
  std::sort(used.begin(), used.end(), [&](std::uint32_t a, std::uint32_t b) {
    const WeightPart &x = parts.weights[a].part, &y = parts.weights[b].part;
    return std::tie(x.weight, x.begin, x.end) < std::tie(y.weight, y.begin, y.end);
  });
  used.erase(std::unique(used.begin(), used.end()), used.end());
  for (const std::uint32_t id : used) {
    const PartWeight& w = parts.weights[id];
    quantize::WeightSpec spec = program.weights[w.part.weight];
    if (w.shape != spec.shape) {
      const std::int64_t entry = quantize::elements(spec.shape) /
                                 *std::find_if(spec.shape.begin(), spec.shape.end() - 1, [](std::int64_t d) { return d > 1; });
      spec.name += "[" + std::to_string(w.part.begin / entry) + ":" + std::to_string(w.part.end / entry) + "]";
    }
    spec.shape = w.shape;
    weight[id] = static_cast<std::uint32_t>(out.weights.size());
    out.weights.push_back(w.part);
    out.program.weights.push_back(std::move(spec));
  }
  for (PartOp& op : parts.ops) {
    quantize::each_operand(op.op.body, [&](auto& id) { id = tensor[id]; }, [&](auto& id) { id = weight[id]; });
    std::visit([&](auto& o) { o.y = tensor[o.y]; }, op.op.body);
    out.op_of.push_back(op.old_op);
    out.program.ops.push_back(std::move(op.op));
  }
  for (const std::uint32_t id : parts.inputs) out.program.inputs.push_back(tensor[id]);
  for (const std::uint32_t id : parts.outputs) out.program.outputs.push_back(tensor[id]);
  return out;
}

}  // namespace dsperse::slice
