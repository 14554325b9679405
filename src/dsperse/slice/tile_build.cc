#include "dsperse/slice/tile_build.h"

#include <algorithm>

#include "dsperse/quantize/operands.h"
#include "dsperse/slice/tile_rearrange.h"

namespace dsperse::slice {
namespace {

using quantize::Op;
using quantize::Program;
using quantize::Shape;
using quantize::TensorId;

const char* axis_name(std::size_t rank, std::size_t axis) {
  static constexpr std::array<const char*, 4> kImage{"images", "rows", "columns", "channels"};
  if (rank == 4) return kImage[axis];
  if (axis + 1 == rank) return "features";
  return axis == 0 ? "rows" : "entries";
}

/// The box of both along this axis.
Box narrowed(Box box, std::uint32_t axis, std::int64_t begin, std::int64_t end) {
  box.begin[axis] = begin;
  box.end[axis] = end;
  return box;
}

class Build {
 public:
  Build(const Program& program, const std::vector<OpTiles>& tiles, TileOrder order)
      : p_(program), tiles_(tiles), order_(order), stored_(program.tensors.size()) {
    for (const TensorId id : p_.outputs) is_output_.insert(id);
  }

  Parts run() {
    for (const TensorId id : p_.inputs) {
      stored_[id].whole = store(id, p_.tensors[id], whole_box(p_.tensors[id].shape), true);
      out_.tensors[*stored_[id].whole].is_input = true;
      out_.inputs.push_back(*stored_[id].whole);
    }
    for (std::uint32_t i = 0; i < p_.ops.size(); ++i) add(i);
    for (const TensorId id : p_.outputs) out_.outputs.push_back(*stored_[id].whole);
    return std::move(out_);
  }

 private:
  /// Where the values of an old tensor are.
  struct Stored {
    std::optional<std::uint32_t> whole;
    std::uint32_t axis = 0;  ///< of the tiles
    std::vector<std::uint32_t> tiles;
    bool named = false;  ///< a new tensor has its name already
  };
  /// Who reads: the tile whose Rearranges stand before it.
  struct Reader {
    std::uint32_t op = 0, tile = 0;
    std::string name;
  };

  /// A tensor of the new Program with this box of old tensor `id`.
  std::uint32_t store(TensorId id, quantize::TensorSpec spec, Box box, bool is_public) {
    spec.name = part_name(id, box);
    spec.shape = box_shape(box);
    out_.tensors.push_back({std::move(spec), {id, std::move(box)}, is_public});
    return static_cast<std::uint32_t>(out_.tensors.size() - 1);
  }

  void add(std::uint32_t i) {
    const OpTiles& tiles = tiles_[i];
    const Op& op = p_.ops[i];
    if (order_ == TileOrder::layers || !tiles.tiled || i == 0 || !tiles_[i - 1].tiled || tiles_[i - 1].axis != tiles.axis ||
        tiles_[i - 1].parts.size() != tiles.parts.size())
      group_ = i;
    const TensorId y = quantize::op_output(op);
    const bool is_public = is_output_.contains(y);
    for (std::uint32_t t = 0; t < tiles.parts.size(); ++t) {
      const OpPart& part = tiles.parts[t];
      const Box box = tiles.tiled ? part_box(p_.tensors[y].shape, tiles.axis, tiles.ranges[t]) : whole_box(p_.tensors[y].shape);
      PartOp made{op, i, {}, tiles.tiled, false};
      made.op.body = part.body;
      if (tiles.tiled) made.op.name = out_.op_names(op.name + box_name(p_.tensors[y].shape, box));
      const Reader reader{i, t, made.op.name};
      std::vector<std::uint32_t> operands, weights;
      for (const TensorPart& r : part.reads) operands.push_back(read(r, reader));
      for (std::size_t w = 0; w < part.weights.size(); ++w) weights.push_back(weight(part.weights[w], part.w_shapes[w]));
      quantize::each_operand(made.op.body, [&](auto& id) { id = operands[id]; }, [&](auto& id) { id = weights[id]; });
      const std::uint32_t to = store(y, p_.tensors[y], box, is_public && !tiles.tiled);
      std::visit([&](auto& o) { o.y = to; }, made.op.body);
      push(std::move(made), i, t);
      if (tiles.tiled)
        stored_[y].tiles.push_back(to);
      else
        stored_[y].whole = to;
    }
    stored_[y].axis = tiles.axis;
    if (!is_public || !tiles.tiled) return;
    const auto last = static_cast<std::uint32_t>(tiles.parts.size());
    stored_[y].whole = join(y, whole_box(p_.tensors[y].shape), stored_[y].tiles, {i, last, op.name});
    out_.tensors[*stored_[y].whole].is_public = true;
  }

  void push(PartOp op, std::uint32_t old_op, std::uint32_t tile) {
    op.old_op = old_op;
    put(std::move(op), {group_, tile, old_op, 0});
  }
  void put(PartOp op, std::array<std::uint32_t, 4> key) {
    key[3] = static_cast<std::uint32_t>(out_.ops.size());
    op.key = key;
    producer_[quantize::op_output(op.op)] = out_.ops.size();
    out_.ops.push_back(std::move(op));
  }

  std::uint32_t weight(const WeightPart& part, const Shape& shape) {
    const auto [it, is_new] = weight_of_.emplace(std::array<std::int64_t, 3>{part.weight, part.begin, part.end},
                                                 static_cast<std::uint32_t>(out_.weights.size()));
    if (is_new) out_.weights.push_back({part, shape});
    return it->second;
  }

  /// The tensor that holds exactly this box, made if there is none.
  std::uint32_t read(const TensorPart& want, const Reader& reader) {
    const Stored& s = stored_[want.tensor];
    const Shape& shape = p_.tensors[want.tensor].shape;
    for (const std::uint32_t t : s.tiles)
      if (out_.tensors[t].part.box == want.box) return t;
    if (s.whole && want.box == whole_box(shape)) return *s.whole;
    if (s.tiles.empty()) return slice(*s.whole, want.box, reader);
    // One tile that holds it; else pieces along the axis of the tiles, each as long as possible.
    std::vector<std::uint32_t> pieces;
    const std::uint32_t a = s.axis;
    for (std::int64_t at = want.box.begin[a]; at < want.box.end[a];) {
      std::uint32_t best = s.tiles[0];
      std::int64_t end = at;
      for (const std::uint32_t t : s.tiles) {
        const Box& box = out_.tensors[t].part.box;
        if (box.begin[a] <= at && box.end[a] > end) best = t, end = box.end[a];
      }
      end = std::min(end, want.box.end[a]);
      const Box piece = narrowed(want.box, a, at, end);
      pieces.push_back(out_.tensors[best].part.box == piece ? best : slice(best, piece, reader));
      at = end;
    }
    return pieces.size() == 1 ? pieces[0] : join(want.tensor, want.box, pieces, reader);
  }

  /// A part of a new tensor: beside its producer, where all that read it find it; of a public one beside the reader.
  std::uint32_t slice(std::uint32_t from, const Box& box, const Reader& reader) {
    const TensorId old = out_.tensors[from].part.tensor;
    const bool is_public = out_.tensors[from].is_public;
    if (!is_public)
      if (const auto it = slices_.find({from, {box.begin, box.end}}); it != slices_.end()) return it->second;
    const std::string name = is_public ? reader.name : out_.ops[producer_.at(from)].op.name;
    PartOp op = move_op(out_, p_.tensors[old], box, {from}, out_.op_names(name + " slice"), "Slice", part_name(old, box));
    op.is_slice = true;
    const std::uint32_t made = quantize::op_output(op.op);
    if (is_public) {
      push(std::move(op), reader.op, reader.tile);
    } else {
      const PartOp& producer = out_.ops[producer_.at(from)];
      op.old_op = producer.old_op;
      put(std::move(op), producer.key);
      slices_[{from, {box.begin, box.end}}] = made;
    }
    return made;
  }

  std::uint32_t join(TensorId old, const Box& box, const std::vector<std::uint32_t>& pieces, const Reader& reader) {
    const auto [it, is_new] = joins_.emplace(std::pair{old, std::pair{box.begin, box.end}}, 0);
    if (!is_new) return it->second;
    PartOp op =
        move_op(out_, p_.tensors[old], box, pieces, out_.op_names(reader.name + " concat"), "Concat", part_name(old, box));
    it->second = quantize::op_output(op.op);
    push(std::move(op), reader.op, reader.tile);
    return it->second;
  }

  std::string part_name(TensorId old, const Box& box) {
    const std::string part = box_name(p_.tensors[old].shape, box);
    const std::string name = out_.tensor_names(p_.tensors[old].name + part);
    return part.empty() && !stored_[old].named ? stored_[old].named = true, p_.tensors[old].name : name;
  }

  const Program& p_;
  const std::vector<OpTiles>& tiles_;
  TileOrder order_;
  std::uint32_t group_ = 0;
  std::vector<Stored> stored_;
  std::set<TensorId> is_output_;
  std::map<std::uint32_t, std::size_t> producer_;  // op of a PartTensor
  std::map<std::pair<std::uint32_t, std::pair<Shape, Shape>>, std::uint32_t> slices_;
  std::map<std::pair<TensorId, std::pair<Shape, Shape>>, std::uint32_t> joins_;
  std::map<std::array<std::int64_t, 3>, std::uint32_t> weight_of_;
  Parts out_;
};

}  // namespace

Parts build_parts(const Program& program, const std::vector<OpTiles>& tiles, TileOrder order) {
  return Build(program, tiles, order).run();
}

std::string box_name(const Shape& shape, const Box& box) {
  std::string out;
  for (std::size_t k = 0; k < shape.size(); ++k) {
    if (box.begin[k] == 0 && box.end[k] == shape[k]) continue;
    out.append(out.empty() ? "[" : ", ").append(axis_name(shape.size(), k)).append(" ");
    out.append(std::to_string(box.begin[k])).append(":").append(std::to_string(box.end[k]));
  }
  return out.empty() ? out : out + "]";
}

std::string UniqueNames::operator()(const std::string& wanted) {
  std::string name = wanted;
  for (int n = 2; !used_.insert(name).second; ++n) name = wanted + " " + std::to_string(n);
  return name;
}

PartOp move_op(Parts& parts, const quantize::TensorSpec& whole, const Box& to, const std::vector<std::uint32_t>& from,
               std::string op_name, std::string type, std::string tensor_name) {
  std::vector<Box> boxes;
  for (const std::uint32_t id : from) boxes.push_back(parts.tensors[id].part.box);
  quantize::Rearrange r = move_box(to, boxes, std::clamp<std::int64_t>(0, whole.lo, whole.hi));
  for (std::size_t i = 0; i < from.size(); ++i) r.pieces[i].x = from[i];
  r.y = static_cast<TensorId>(parts.tensors.size());
  quantize::TensorSpec spec = whole;
  spec.name = std::move(tensor_name);
  spec.shape = box_shape(to);
  parts.tensors.push_back({std::move(spec), {parts.tensors[from[0]].part.tensor, to}, false});
  PartOp out;
  out.op = {std::move(op_name), std::move(type), std::move(r)};
  out.made = true;
  return out;
}

}  // namespace dsperse::slice
