// What a key has to satisfy before a verifier uses it: docs/protocol/keys.md, rule by rule.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <set>
#include <utility>

#include "dsperse/base/rule.h"
#include "dsperse/proof/key_parts.h"
#include "dsperse/proof/tie.h"
#include "dsperse/quantize/limits.h"

namespace dsperse::proof {
namespace {

std::unexpected<Error> bad(const std::string& what, const std::string& where = {}) {
  return fail(ErrorKind::bad_input, "key: " + what, where, "use a key written by `dsperse compile`");
}

bool narrow(const quantize::WeightSpec& spec) { return spec.max_abs <= quantize::kMaxNarrowWeight; }

/// Weights are hidden (a tree with a root and a range proof), public (values within their bounds), or there are none.
Status check_weights(const SliceKey& s, const std::string& where) {
  const bool hidden = s.weights.t != 0;
  if (violated("key: a weight tree holds weights", hidden && s.program.weights.empty()) ||
      violated("key: weight root iff hidden weights", s.weight_root.has_value() != hidden) ||
      violated("key: range proof iff hidden weights", s.range_proof.empty() == hidden))
    return bad("weight tree", where);
  if (violated("key: public weights are there", s.public_weights.size() != (hidden ? 0 : s.program.weights.size())))
    return bad("public weights", where);
  for (std::size_t i = 0; i < s.public_weights.size(); ++i) {
    const quantize::WeightSpec& spec = s.program.weights[i];
    const quantize::WeightValues& values = s.public_weights[i];
    const auto n = static_cast<std::size_t>(quantize::elements(spec.shape));
    if (violated("key: public weights have their shape",
                 values.narrow.size() != (narrow(spec) ? n : 0) || values.wide.size() != (narrow(spec) ? 0 : n)))
      return bad("public weights", where + " > " + spec.name);
    bool beyond = false;
    for (const std::int16_t x : values.narrow) beyond |= x > spec.max_abs || x < -spec.max_abs;
    for (const std::int64_t x : values.wide) beyond |= x > spec.max_abs || x < -spec.max_abs;
    if (violated("key: public weights are bounded", beyond))
      return bad("a public weight is beyond its declared bound", where + " > " + spec.name);
  }
  return {};
}

/// Dimensions that later arithmetic can multiply: each at least 1, together at most 2^28 elements (quantize/limits.h).
bool sane_shape(const quantize::Shape& shape, std::int64_t limit = quantize::kMaxTensorElements) {
  std::int64_t n = 1;
  for (const std::int64_t d : shape) {
    if (d < 1 || d > limit / n) return false;
    n *= d;
  }
  return true;
}

bool permutes(const IoMapping& io) {
  std::vector<std::uint32_t> axes = io.perm;
  std::sort(axes.begin(), axes.end());
  bool each_once = axes.size() == io.logical_shape.size();
  for (std::uint32_t k = 0; each_once && k < axes.size(); ++k) each_once = axes[k] == k;
  return each_once;
}

bool maps_elements(const IoMapping& io, std::int64_t elements) {
  return sane_shape(io.logical_shape, quantize::kMaxTotalElements) && quantize::elements(io.logical_shape) == elements;
}

/// What a verdict prints of an engine: letters, digits and marks that no terminal takes for anything else.
bool plain_text(const std::string& text) {
  constexpr std::size_t kMost = 64;
  return !text.empty() && text.size() <= kMost && std::all_of(text.begin(), text.end(), [](char ch) {
    return (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || (ch >= '0' && ch <= '9') || ch == '.' || ch == '_' ||
           ch == '-' || ch == '+' || ch == ':';
  });
}

/// A slice that runs in float has no op and nothing to prove; it says who runs it.
Status check_float(const SliceKey& s, const std::string& where) {
  const FloatSlice& f = *s.in_float;
  if (violated("key: a float slice makes something", s.outputs.empty())) return bad("a float slice without outputs", where);
  if (violated("key: a float slice has no ops", !s.program.ops.empty() || !s.program.weights.empty()))
    return bad("a float slice with integer ops", where);
  if (violated("key: engine of a float slice", !plain_text(f.engine) || !plain_text(f.version)) ||
      violated("key: operators of a float slice", !std::all_of(f.operators.begin(), f.operators.end(), plain_text)))
    return bad("a float slice does not say in plain text what runs it", where);
  const std::vector<Port> ports = s.ports();
  if (violated("key: a mapping for each port of a float slice", f.mappings.size() != ports.size()))
    return bad("mappings of a float slice", where);
  for (std::size_t i = 0; i < ports.size(); ++i) {
    const IoMapping& io = f.mappings[i];
    const quantize::TensorSpec& t = s.program.tensors[ports[i].tensor];
    if (violated("key: a float slice's mapping permutes", !permutes(io)) ||
        violated("key: a float slice's mapping's size", !maps_elements(io, quantize::elements(t.shape))) ||
        violated("key: a float slice's mapping has no preprocessing", !io.scale.empty() || !io.bias.empty()))
      return bad("mapping of a float slice", where + " > " + t.name);
  }
  return {};
}

/// The chunks of an edge lie one after the other along the leading axis; its mapping permutes as many elements.
Status check_edge(const Edge& e, const ModelKey& key) {
  const Chunk& first = key.chunks[e.chunks.front()];
  std::int64_t elements = 0;
  for (const std::uint32_t i : e.chunks) {
    const Chunk& c = key.chunks[i];
    if (violated("key: one exponent in an edge", c.exponent != first.exponent) ||
        violated("key: one range in an edge", c.lo != first.lo || c.hi != first.hi) ||
        violated("key: one visibility in an edge", c.is_public != first.is_public) ||
        violated("key: chunks of an edge fit",
                 !std::equal(c.shape.begin() + 1, c.shape.end(), first.shape.begin() + 1, first.shape.end())))
      return bad("chunks of an edge do not fit each other", e.name);
    elements += quantize::elements(c.shape);
  }
  if (violated("key: size of an edge", elements > quantize::kMaxTotalElements))
    return bad("an edge has more than 2^31 elements", e.name);
  if (!e.io) return {};
  const quantize::Shape& logical = e.io->logical_shape;
  if (violated("key: a mapping permutes", !permutes(*e.io)) || violated("key: a mapping's size", !maps_elements(*e.io, elements)))
    return bad("input or output mapping", e.name);
  if (violated("key: a mapping's name", e.io->name != e.name)) return bad("mapping of another tensor", e.name);
  for (const auto* list : {&e.io->scale, &e.io->bias}) {
    const bool channels = logical.size() > 1 && std::cmp_equal(list->size(), logical[1]);
    if (violated("key: preprocessing by channel", list->size() > 1 && !channels))
      return bad("preprocessing has another number of channels", e.name);
    for (const float x : *list)
      if (violated("key: preprocessing is finite", !std::isfinite(x))) return bad("preprocessing is no number", e.name);
  }
  return {};
}

}  // namespace

Status check_chunk(const Chunk& c) {
  if (violated("key: shape of a chunk", c.shape.empty() || c.shape.size() > quantize::kMaxProgramRank || !sane_shape(c.shape)))
    return bad("shape of a chunk", c.name);
  if (violated("key: range of a chunk", c.lo > c.hi)) return bad("empty range", c.name);
  if (violated("key: bounded range of a chunk", c.lo < -quantize::kMaxValue || c.hi > quantize::kMaxValue) ||
      violated("key: bounded exponent of a chunk", c.exponent < -quantize::kMaxExponent || c.exponent > quantize::kMaxExponent))
    return bad("range or exponent of a chunk", c.name);
  return {};
}

const Chunk* ChunkTable::find(std::uint32_t number) const {
  if (!numbers) return number < chunks.size() ? &chunks[number] : nullptr;
  const auto at = std::lower_bound(numbers->begin(), numbers->end(), number);
  return at != numbers->end() && *at == number ? &chunks[static_cast<std::size_t>(at - numbers->begin())] : nullptr;
}

Status check_slice(const SliceKey& s, const ChunkTable& chunks, Profile profile, std::size_t slices, const std::string& where) {
  if (violated("key: known profile", s.profile != Profile::bits100 && s.profile != Profile::bits128))
    return bad("unknown security profile", where);
  if (violated("key: one profile", s.profile != profile)) return bad("slices of different security profiles", where);
  if (violated("key: smallest limb", s.options.limb_bits < 1) || violated("key: largest limb", s.options.limb_bits > 16) ||
      violated("key: largest top", s.options.top_bits > 16) || violated("key: largest far block", s.options.far_bits > 20))
    return bad("limb size", where);
  if (violated("key: number of input ports", s.inputs.size() != s.program.inputs.size()) ||
      violated("key: number of output ports", s.outputs.size() != s.program.outputs.size()))
    return bad("ports", where);
  std::set<quantize::TensorId> seen;
  std::set<std::uint32_t> read;
  bool committed = false;
  for (const bool out : {false, true}) {
    const auto& ports = out ? s.outputs : s.inputs;
    const auto& tensors = out ? s.program.outputs : s.program.inputs;
    for (std::size_t i = 0; i < ports.size(); ++i) {
      const Port& p = ports[i];
      if (violated("key: a port's tensor", p.tensor != tensors[i]) ||
          violated("key: one port a tensor", !seen.insert(p.tensor).second))
        return bad("ports and the program's inputs and outputs differ", where);
      const Chunk* chunk = chunks.find(p.chunk);
      if (violated("key: a port's chunk", chunk == nullptr)) return bad("port names no chunk", where);
      if (violated("key: inputs are different chunks", !out && !read.insert(p.chunk).second))
        return bad("two inputs of a slice are one chunk", where);
      const Chunk& c = *chunk;
      const quantize::TensorSpec& t = s.program.tensors[p.tensor];
      if (violated("key: visibility of port and chunk", c.is_public != p.is_public) ||
          violated("key: shape of port and chunk", c.shape != t.shape) ||
          violated("key: exponent of port and chunk", c.exponent != t.exponent) ||
          violated("key: range of port and chunk", c.lo != t.lo || c.hi != t.hi))
        return bad("port and chunk differ in shape, exponent, range or visibility", where + " > " + c.name);
      committed = committed || !p.is_public;
    }
  }
  DSPERSE_CHECK_OK(check_weights(s, where));
  if (violated("key: boundary geometry iff committed ports", (s.boundary.t == 0) != !committed))
    return bad("boundary geometry", where);
  if (violated("key: enough slack", s.slack < slack_of(slices)) || violated("key: bounded slack", s.slack > kMaxSlackBits) ||
      violated("key: bounded work", s.work > kMaxWorkBits))
    return bad("slack or work outside of their bounds", where);
  if (violated("key: weight geometry", s.weights.t != 0 && !sound_geometry(s.params(), s.weights, kWeightBudget)))
    return bad("weight geometry below the profile", where);
  if (s.in_float) {
    DSPERSE_CHECK_OK(check_float(s, where));
    for (const Geometry* g : {&s.weights, &s.witness, &s.end, &s.range_witness, &s.range_end, &s.link_witness, &s.link_end})
      if (violated("key: a float slice has no trees of a proof", !(*g == Geometry{})))
        return bad("a float slice with geometries of a proof", where);
  }
  if (violated("key: boundary geometry", s.boundary.t != 0 && !sound_geometry(s.params(), s.boundary, kBoundaryUses)))
    return bad("boundary geometry below the profile", where);
  if (s.in_float) return {};
  if (violated("key: witness geometry", !sound_geometry(s.params(), s.witness, 1)) ||
      violated("key: end geometry", !sound_geometry(s.params(), s.end, 1)))
    return bad("geometry below the profile", where);
  for (const Geometry* g : {&s.range_witness, &s.range_end, &s.link_witness, &s.link_end})
    if (violated("key: geometries of ranges and links",
                 s.weights.t == 0 ? !(*g == Geometry{}) : !sound_geometry(s.params(), *g, 1)))
      return bad("geometry of the range proof or link below the profile", where);
  return {};
}

Status check_model_key(const ModelKey& key) {
  if (violated("key: some slice", key.slices.empty())) return bad("no slices");
  std::vector<int> producers(key.chunks.size(), -1), consumers(key.chunks.size(), 0), covered(key.chunks.size(), 0);
  std::set<std::string> names;
  bool has_output = false;
  for (const Edge& e : key.edges) {
    if (violated("key: names of edges", !names.insert(e.name).second)) return bad("two edges have one name", e.name);
    if (violated("key: chunks of an edge", e.chunks.empty())) return bad("edge without chunks", e.name);
    if (violated("key: mapping iff input or output", e.io.has_value() != (e.is_input || e.is_output)))
      return bad("input or output mapping", e.name);
    has_output = has_output || e.is_output;
    for (const std::uint32_t c : e.chunks) {
      if (violated("key: an edge's chunk", c >= key.chunks.size()) || violated("key: one edge a chunk", covered[c]++ != 0))
        return bad("edges do not cover the chunks once", e.name);
      if (e.is_input) producers[c] = 0;
    }
  }
  if (violated("key: some output", !has_output)) return bad("no output");
  for (std::size_t c = 0; c < key.chunks.size(); ++c) {
    if (violated("key: an edge for each chunk", covered[c] == 0)) return bad("chunk belongs to no edge", key.chunks[c].name);
    DSPERSE_CHECK_OK(check_chunk(key.chunks[c]));
  }
  for (const Edge& e : key.edges) DSPERSE_CHECK_OK(check_edge(e, key));
  const Geometry* boundary = nullptr;
  const SliceKey* weighted = nullptr;
  for (std::size_t i = 0; i < key.slices.size(); ++i) {
    const SliceKey& s = key.slices[i];
    const std::string where = "slice " + std::to_string(i);
    DSPERSE_CHECK_OK(check_slice(s, {key.chunks, std::nullopt}, key.slices.front().profile, key.slices.size(), where));
    if (s.boundary.t != 0) {
      if (violated("key: one boundary geometry", boundary != nullptr && !(*boundary == s.boundary)))
        return bad("boundary geometries differ", where);
      boundary = &s.boundary;
    }
    if (!s.program.weights.empty()) {
      if (violated("key: one kind of weights",
                   weighted != nullptr && weighted->public_weights.empty() != s.public_weights.empty()))
        return bad("some weights are hidden and some public", where);
      weighted = &s;
    }
    for (const Port& p : s.inputs) {
      if (violated("key: produced before it is read", producers[p.chunk] < 0))
        return bad("a chunk is read before a slice produces it", key.chunks[p.chunk].name);
      ++consumers[p.chunk];
    }
    for (const Port& p : s.outputs) {
      if (violated("key: one producer", producers[p.chunk] >= 0))
        return bad("a chunk has two producers", key.chunks[p.chunk].name);
      producers[p.chunk] = static_cast<int>(i);
    }
  }
  for (std::size_t c = 0; c < key.chunks.size(); ++c) {
    if (violated("key: some producer", producers[c] < 0)) return bad("chunk without a producer", key.chunks[c].name);
    if (violated("key: at most four readers", !key.chunks[c].is_public && consumers[c] > 4))
      return bad("more than four slices read a committed chunk", key.chunks[c].name);
  }
  return check_ties(key);
}

}  // namespace dsperse::proof
