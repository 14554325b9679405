// Tiles, and the Rearranges between them, as ops of a new Program.
//
// Every tensor of the new Program is a box of an old one. Not here: which parts (tile_ranges.h), order and numbers
// (tile_order.h). Tested by slice/tile_test.cc.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "dsperse/slice/tile_ranges.h"

namespace dsperse::slice {

/// Makes names that nothing has yet: "name", "name 2", ...
class UniqueNames {
 public:
  std::string operator()(const std::string& wanted);

 private:
  std::set<std::string> used_;
};

/// A tensor of the new Program under a number that is not final.
struct PartTensor {
  quantize::TensorSpec spec;
  TensorPart part;
  bool is_public = false;  ///< model input or output
  bool is_input = false;
};

/// An op of the new Program; ids are the PartTensors' and PartWeights'. key: where it wants to stand.
struct PartOp {
  quantize::Op op;
  std::uint32_t old_op = 0;
  std::array<std::uint32_t, 4> key{};
  bool made = false;      ///< a tile, or a Rearrange of tiles: not an op of the untiled program
  bool is_slice = false;  ///< one piece of one tensor
};

struct PartWeight {
  WeightPart part;
  quantize::Shape shape;
};

struct Parts {
  std::vector<PartTensor> tensors;
  std::vector<PartWeight> weights;
  std::vector<PartOp> ops;
  std::vector<std::uint32_t> inputs, outputs;  ///< PartTensors
  UniqueNames op_names, tensor_names;          ///< untiled ops and tensors keep theirs
};

Parts build_parts(const quantize::Program& program, const std::vector<OpTiles>& tiles, TileOrder order);

/// "[rows 0:56]" for what the box is of the tensor; empty for all of it.
std::string box_name(const quantize::Shape& shape, const Box& box);

/// A Rearrange that makes a new tensor, the box `to` of the tensor that `from` (PartTensors) are boxes of. Appends the tensor to
/// `parts` and returns the op without a key.
PartOp move_op(Parts& parts, const quantize::TensorSpec& whole, const Box& to, const std::vector<std::uint32_t>& from,
               std::string op_name, std::string type, std::string tensor_name);

}  // namespace dsperse::slice
