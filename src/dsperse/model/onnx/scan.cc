#include "dsperse/model/onnx/scan.h"

#include <algorithm>
#include <array>

namespace dsperse::model::onnx_file {

namespace {

enum class Kind : std::uint8_t {
  bytes,   ///< strings, raw data, messages that can't grow
  packed,  ///< numbers if length-delimited
  model,
  graph,
  node,
  attribute,
  tensor,
  sparse,
  value_info,
  type,
  tensor_type,
  shape,
  dimension,
  pair,
  annotation,
  training,
  function,
};

/// Which field of which message holds what; all others are bytes.
struct Child {
  Kind parent;
  std::uint32_t field;
  Kind kind;
};
constexpr std::array kChildren = {
    Child{Kind::model, 7, Kind::graph},         Child{Kind::model, 8, Kind::pair},
    Child{Kind::model, 14, Kind::pair},         Child{Kind::model, 20, Kind::training},
    Child{Kind::model, 25, Kind::function},     Child{Kind::graph, 1, Kind::node},
    Child{Kind::graph, 5, Kind::tensor},        Child{Kind::graph, 11, Kind::value_info},
    Child{Kind::graph, 12, Kind::value_info},   Child{Kind::graph, 13, Kind::value_info},
    Child{Kind::graph, 14, Kind::annotation},   Child{Kind::graph, 15, Kind::sparse},
    Child{Kind::node, 5, Kind::attribute},      Child{Kind::attribute, 5, Kind::tensor},
    Child{Kind::attribute, 6, Kind::graph},     Child{Kind::attribute, 7, Kind::packed},
    Child{Kind::attribute, 8, Kind::packed},    Child{Kind::attribute, 10, Kind::tensor},
    Child{Kind::attribute, 11, Kind::graph},    Child{Kind::attribute, 14, Kind::type},
    Child{Kind::attribute, 15, Kind::type},     Child{Kind::attribute, 22, Kind::sparse},
    Child{Kind::attribute, 23, Kind::sparse},   Child{Kind::tensor, 1, Kind::packed},
    Child{Kind::tensor, 4, Kind::packed},       Child{Kind::tensor, 5, Kind::packed},
    Child{Kind::tensor, 7, Kind::packed},       Child{Kind::tensor, 10, Kind::packed},
    Child{Kind::tensor, 11, Kind::packed},      Child{Kind::tensor, 13, Kind::pair},
    Child{Kind::sparse, 1, Kind::tensor},       Child{Kind::sparse, 2, Kind::tensor},
    Child{Kind::sparse, 3, Kind::packed},       Child{Kind::value_info, 2, Kind::type},
    Child{Kind::type, 1, Kind::tensor_type},    Child{Kind::type, 4, Kind::type},
    Child{Kind::type, 5, Kind::type},           Child{Kind::type, 8, Kind::tensor_type},
    Child{Kind::type, 9, Kind::type},           Child{Kind::tensor_type, 2, Kind::shape},
    Child{Kind::shape, 1, Kind::dimension},     Child{Kind::annotation, 2, Kind::pair},
    Child{Kind::training, 1, Kind::graph},      Child{Kind::training, 2, Kind::graph},
    Child{Kind::training, 3, Kind::pair},       Child{Kind::training, 4, Kind::pair},
    Child{Kind::function, 7, Kind::node},       Child{Kind::function, 9, Kind::pair},
    Child{Kind::function, 11, Kind::attribute},
};

Kind child_of(Kind parent, std::uint32_t field) {
  for (const Child& c : kChildren)
    if (c.parent == parent && c.field == field) return c.kind;
  return Kind::bytes;
}

class Scanner {
 public:
  explicit Scanner(const ScanLimits& limits) : limits_(limits) {}

  Status message(ByteView bytes, Kind kind, int depth) {
    if (depth > limits_.depth) return fail(ErrorKind::resource, "messages nested deeper than " + std::to_string(limits_.depth));
    std::size_t at = 0;
    while (at < bytes.size()) {
      if (++fields_ > limits_.fields)
        return fail(ErrorKind::resource, "file has more than " + std::to_string(limits_.fields) + " fields");
      std::uint64_t tag = 0, value = 0;
      if (!varint(bytes, at, tag) || tag > 0xFFFFFFFF || tag >> 3 == 0) return broken();
      const auto field = static_cast<std::uint32_t>(tag >> 3);
      switch (tag & 7) {
        case 0:
          if (!varint(bytes, at, value)) return broken();
          break;
        case 1:
          if (bytes.size() - at < 8) return broken();
          at += 8;
          break;
        case 5:
          if (bytes.size() - at < 4) return broken();
          at += 4;
          break;
        case 2:
          if (!varint(bytes, at, value) || value > bytes.size() - at) return broken();
          DSPERSE_CHECK_OK(delimited(bytes.subspan(at, value), kind, field, depth));
          at += value;
          break;
        default:
          return broken();
      }
    }
    return {};
  }

 private:
  static std::unexpected<Error> broken() { return fail(ErrorKind::bad_input, "not an ONNX file: malformed protobuf"); }

  static bool varint(ByteView bytes, std::size_t& at, std::uint64_t& out) {
    out = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      if (at >= bytes.size()) return false;
      const std::uint64_t byte = bytes[at++];
      out |= (byte & 0x7F) << shift;
      if (byte < 0x80) return true;
    }
    return false;
  }

  Status delimited(ByteView bytes, Kind parent, std::uint32_t field, int depth) {
    const Kind kind = child_of(parent, field);
    if (kind == Kind::bytes) return {};
    if (kind == Kind::packed) {
      // Every number ends with a byte below 128, or has at least 4 bytes of its own.
      const bool fixed = (parent == Kind::tensor && (field == 4 || field == 10)) || (parent == Kind::attribute && field == 7);
      values_ += fixed ? bytes.size() / 4
                       : static_cast<std::uint64_t>(std::ranges::count_if(bytes, [](std::uint8_t b) { return b < 0x80; }));
      if (values_ > limits_.values)
        return fail(ErrorKind::resource, "tensors hold more than " + std::to_string(limits_.values) + " numbers");
      return {};
    }
    if (kind == Kind::node && ++nodes_ > limits_.nodes)
      return fail(ErrorKind::resource, "graph has more than " + std::to_string(limits_.nodes) + " nodes");
    return message(bytes, kind, depth + 1);
  }

  const ScanLimits& limits_;
  std::uint64_t nodes_ = 0, values_ = 0, fields_ = 0;
};

}  // namespace

Status scan_model(ByteView bytes, const ScanLimits& limits) { return Scanner(limits).message(bytes, Kind::model, 0); }

}  // namespace dsperse::model::onnx_file
