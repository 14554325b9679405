// Canonical bytes of a Program: magic, version, then every field in declaration order; lists are a u32 count and their entries.
// Integers are 8 bytes where their limit needs it, otherwise 4; flags are one byte 0 or 1. Source: docs/semantics.md.
#include <type_traits>

#include "dsperse/quantize/limits.h"
#include "dsperse/quantize/program.h"
#include "dsperse/quantize/visit.h"

namespace dsperse::quantize {
namespace {

constexpr std::uint32_t kMagic = 0x4D505344;  // "DSPM"
constexpr std::uint32_t kVersion = 1;

/// Writes; the functions of Reader with the same names read what these wrote.
class Writer {
 public:
  void u32(std::uint32_t x) { out_.u32(x); }
  void i32(std::int32_t x) { out_.u32(static_cast<std::uint32_t>(x)); }
  void i64(std::int64_t x) { out_.i64(x); }
  void byte(std::uint8_t x) { out_.u8(x); }
  void flag(bool x) { out_.u8(x ? 1 : 0); }
  void function(Function x) { out_.u8(static_cast<std::uint8_t>(x)); }
  void text(const std::string& x) { out_.text(x); }
  template <class T, class F>
  void list(const std::vector<T>& items, std::size_t, std::size_t, F each) {
    out_.u32(static_cast<std::uint32_t>(items.size()));
    for (const auto& x : items) each(x);
  }
  template <class F>
  void optional(const std::optional<WeightId>& x, F each) {
    flag(x.has_value());
    if (x) each(*x);
  }
  template <class V, class F>
  void alternative(const V& body, F each) {
    out_.u8(static_cast<std::uint8_t>(body.index()));
    visit_body(each, body);
  }
  Bytes take() { return out_.take(); }

 private:
  ByteWriter out_;
};

class Reader {
 public:
  explicit Reader(ByteView b) : in_(b) {}
  void u32(std::uint32_t& x) { x = in_.u32(); }
  void i32(std::int32_t& x) { x = static_cast<std::int32_t>(in_.u32()); }
  void i64(std::int64_t& x) { x = in_.i64(); }
  void byte(std::uint8_t& x) { x = in_.u8(); }
  void flag(bool& x) {
    const auto b = in_.u8();
    if (b > 1) in_.set_bad();
    x = b == 1;
  }
  void function(Function& x) {
    const auto b = in_.u8();
    if (b > static_cast<std::uint8_t>(Function::table)) return in_.set_bad();
    x = static_cast<Function>(b);
  }
  void text(std::string& x) { x = in_.text(kMaxNameBytes); }
  /// At most `limit` entries of at least `unit_bytes` each.
  template <class T, class F>
  void list(std::vector<T>& items, std::size_t limit, std::size_t unit_bytes, F each) {
    const std::size_t n = in_.count(limit, unit_bytes);
    items.reserve(n);
    for (std::size_t i = 0; i < n && in_.ok(); ++i) each(items.emplace_back());
  }
  template <class F>
  void optional(std::optional<WeightId>& x, F each) {
    bool present = false;
    flag(present);
    if (present) each(x.emplace());
  }
  template <class V, class F>
  void alternative(V& body, F each) {
    static_assert(std::variant_size_v<V> == 13);
    switch (in_.u8()) {
      case 0:
        return read<0>(body, each);
      case 1:
        return read<1>(body, each);
      case 2:
        return read<2>(body, each);
      case 3:
        return read<3>(body, each);
      case 4:
        return read<4>(body, each);
      case 5:
        return read<5>(body, each);
      case 6:
        return read<6>(body, each);
      case 7:
        return read<7>(body, each);
      case 8:
        return read<8>(body, each);
      case 9:
        return read<9>(body, each);
      case 10:
        return read<10>(body, each);
      case 11:
        return read<11>(body, each);
      case 12:
        return read<12>(body, each);
      default:
        in_.set_bad();
    }
  }
  [[nodiscard]] bool finished() const { return in_.finished(); }

 private:
  /// Not by emplace(), whose result is checked by a way to abort (quantize/visit.h).
  template <std::size_t I, class V, class F>
  static void read(V& body, F each) {
    std::variant_alternative_t<I, V> alternative;
    each(alternative);
    body = V(std::in_place_index<I>, std::move(alternative));
  }
  ByteReader in_;
};

/// One description for both directions: C is Writer with const objects or Reader with mutable ones.
template <class C>
class Codec {
 public:
  explicit Codec(C& c) : c_(c) {}

  void program(auto& p) {
    c_.list(p.tensors, kMaxTensors, 28,
            [this](auto& t) { c_.text(t.name), shape(t.shape), c_.i32(t.exponent), c_.i64(t.lo), c_.i64(t.hi); });
    c_.list(p.weights, kMaxWeights, 16, [this](auto& w) { c_.text(w.name), shape(w.shape), c_.i64(w.max_abs); });
    c_.list(p.ops, kMaxOps, 9, [this](auto& op) {
      c_.text(op.name), c_.text(op.onnx_type);
      c_.alternative(op.body, [this](auto& o) { this->body(o); });
    });
    for (auto* ids : {&p.inputs, &p.outputs}) c_.list(*ids, kMaxTensors, 4, [this](auto& id) { c_.u32(id); });
  }

 private:
  template <class O>
  void body(O& o) {
    using Op = std::remove_const_t<O>;
    if constexpr (std::is_same_v<Op, Conv> || std::is_same_v<Op, Gemm>) {
      c_.u32(o.x), c_.u32(o.y), c_.u32(o.w);
      c_.optional(o.bias, [this](auto& id) { c_.u32(id); });
      if constexpr (std::is_same_v<Op, Conv>) c_.i64(o.groups), window(o.window);
    } else if constexpr (std::is_same_v<Op, Sum>) {
      c_.list(o.terms, kMaxTerms, 13, [this](auto& t) { c_.flag(t.is_weight), c_.u32(t.id), c_.i64(t.coef); });
      c_.u32(o.y);
    } else if constexpr (std::is_same_v<Op, AveragePool>) {
      c_.u32(o.x), c_.u32(o.y), window(o.window), c_.flag(o.count_include_pad), pair(o.counted_pad_end);
    } else if constexpr (std::is_same_v<Op, MaxPool>) {
      c_.u32(o.x), c_.u32(o.y), window(o.window);
    } else if constexpr (std::is_same_v<Op, Rearrange>) {
      c_.u32(o.y), shape(o.y_axes), c_.i64(o.fill);
      c_.list(o.pieces, kMaxPieces, 12, [this](auto& piece) { c_.u32(piece.x), shape(piece.x_axes), maps(piece.maps); });
    } else if constexpr (std::is_same_v<Op, Contract>) {
      for (auto* f : {&o.a, &o.b}) c_.flag(f->is_weight), c_.u32(f->id), shape(f->axes), maps(f->maps);
      c_.u32(o.y), shape(o.letters), c_.u32(o.kept);
    } else if constexpr (std::is_same_v<Op, Reduce>) {
      c_.u32(o.x), c_.u32(o.y), shape(o.letters), c_.u32(o.kept), shape(o.axes), maps(o.maps), c_.i64(o.coef);
    } else if constexpr (std::is_same_v<Op, Extreme>) {
      c_.u32(o.x), c_.u32(o.y), c_.i64(o.n), c_.flag(o.minimum), c_.flag(o.index), c_.flag(o.last);
    } else if constexpr (std::is_same_v<Op, Softmax>) {
      c_.u32(o.x), c_.u32(o.y), c_.i64(o.n), c_.u32(o.exp_bits), c_.u32(o.inverse_bits);
      c_.list(o.exp_table, kMaxTableValues, 4, [this](auto& e) { c_.i32(e); });
      c_.i64(o.mask_rows);
      c_.list(o.visible, kMaxMask, 1, [this](auto& v) { c_.byte(v); });
    } else if constexpr (std::is_same_v<Op, Normalize>) {
      c_.u32(o.x), c_.u32(o.y), c_.i64(o.n), c_.flag(o.centered), c_.i64(o.epsilon), c_.u32(o.root_bits);
      for (auto* w : {&o.gamma, &o.beta}) c_.optional(*w, [this](auto& id) { c_.u32(id); });
    } else if constexpr (std::is_same_v<Op, Divide>) {
      c_.u32(o.a), c_.u32(o.b), c_.u32(o.y), c_.i32(o.shift);
    } else {
      static_assert(std::is_same_v<Op, OneHot>);
      c_.u32(o.x), c_.u32(o.y), c_.i64(o.depth);
    }
    if constexpr (requires { o.requant; }) requant(o.requant);
  }
  void requant(auto& r) {
    c_.list(r.shift, static_cast<std::size_t>(kMaxTensorElements), 4, [this](auto& s) { c_.i32(s); });
    c_.u32(r.clamp_bits);
    auto& a = r.activation;
    c_.function(a.f), c_.i32(a.in_exponent), c_.i32(a.out_exponent);
    c_.i64(a.lo), c_.i64(a.hi), c_.i64(a.a), c_.i64(a.b);
    if (a.f != Function::table) return;
    c_.text(a.label);
    c_.list(a.values, kMaxTableValues, 4, [this](auto& v) { c_.i32(v); });
  }
  void maps(auto& list) {
    c_.list(list, kMaxAxes, 12, [this](auto& m) {
      c_.i64(m.offset);
      c_.list(m.parts, kMaxAxes, 12, [this](auto& part) { c_.u32(part.first), c_.i64(part.second); });
    });
  }
  void window(auto& w) { pair(w.kernel), pair(w.stride), pair(w.dilation), pair(w.pad_begin), pair(w.pad_end); }
  void pair(auto& x) { c_.i64(x[0]), c_.i64(x[1]); }
  void shape(auto& s) {
    c_.list(s, kMaxAxes, 8, [this](auto& d) { c_.i64(d); });
  }
  C& c_;
};

}  // namespace

Bytes encode_program(const Program& program) {
  Writer w;
  w.u32(kMagic), w.u32(kVersion);
  Codec<Writer>(w).program(program);
  return w.take();
}

Result<Program> decode_program(ByteView bytes) {
  Reader r(bytes);
  std::uint32_t magic = 0, version = 0;
  r.u32(magic), r.u32(version);
  if (magic != kMagic) return fail(ErrorKind::bad_input, "not an integer program", {}, "expected the magic bytes DSPM");
  if (version != kVersion)
    return fail(ErrorKind::unsupported, "integer program of version " + std::to_string(version), {},
                "this build reads version 1");
  Program p;
  Codec<Reader>(r).program(p);
  if (!r.finished()) return fail(ErrorKind::bad_input, "the integer program is cut short, too long or has an impossible field");
  DSPERSE_CHECK_OK(check_program(p));
  return p;
}

}  // namespace dsperse::quantize
