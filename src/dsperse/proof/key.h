// Verification keys: what a verifier keeps of a compiled model. No secrets.
//
// A SliceKey fixes one slice's integer program, its ports, code geometries, and its weights: the root of a commitment with a
// range proof, or the values themselves where they are public. A ModelKey is the ordered slice keys with the boundary graph
// (chunks, edges). Canonical bytes; decode checks everything that the verifier
// relies on. Source: docs/protocol/keys.md, docs/formats/dsk.md. Tested by proof/key_test.cc.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "dsperse/proof/profile.h"
#include "dsperse/quantize/io.h"
#include "dsperse/quantize/program.h"
#include "dsperse/relation/relation.h"

namespace dsperse::proof {

/// One boundary tensor of a slice: tensor of the slice's program <-> chunk of the model. Public: its values are in the
/// statement; otherwise a commitment.
struct Port {
  quantize::TensorId tensor = 0;
  std::uint32_t chunk = 0;  ///< index into ModelKey::chunks
  bool is_public = false;
  friend bool operator==(const Port&, const Port&) = default;
};

using ConstraintOptions = relation::Options;
using quantize::IoMapping;

/// What a slice is that has no integer form: an ONNX network that an engine runs in float32, between values that are read from
/// its input chunks and rounded once into its output chunks. Nothing about it is proved: all but trust is refused.
struct FloatSlice {
  std::string engine, version;         ///< who runs it, e.g. "onnxruntime" "1.22.0"
  std::vector<std::string> operators;  ///< ONNX names, for people
  Digest network{};                    ///< hash of the ONNX file's bytes
  std::vector<IoMapping> mappings;     ///< by port, inputs first: between integers and the network's tensors; no preprocessing
  /// "onnxruntime 1.22.0".
  [[nodiscard]] std::string engine_text() const { return engine + " " + version; }
  friend bool operator==(const FloatSlice&, const FloatSlice&) = default;
};

struct SliceKey {
  Profile profile = Profile::bits100;
  std::uint8_t slack = kMinSlackBits, work = kWorkBits;  ///< with the profile: params()
  quantize::Program program;  ///< the slice's own ids; program.inputs / outputs are exactly the ports' tensors, in order
  std::vector<Port> inputs, outputs;
  ConstraintOptions options;
  Geometry weights, boundary, witness, end;  ///< weights.t == 0 when the slice has no hidden weights; same for boundary
  /// Witness and end trees of the weight range proof and of epoch links; all zero without hidden weights.
  Geometry range_witness, range_end, link_witness, link_end;
  std::optional<Digest> weight_root;     ///< hidden weights: origin epoch
  Bytes range_proof;                     ///< hidden weights are within max_abs; otherwise empty
  quantize::WeightStore public_weights;  ///< public weights: values by WeightId, each within max_abs; otherwise empty
  /// Runs in float: `program` has the ports' tensors in order and no op, and there is nothing to prove.
  std::optional<FloatSlice> in_float = {};

  [[nodiscard]] SecurityParams params() const { return {profile, slack, work}; }
  /// H(version, everything above but range_proof).
  [[nodiscard]] Digest digest() const;
  /// Ports: inputs, then outputs.
  [[nodiscard]] std::vector<Port> ports() const;
};

/// A boundary tensor between slices or at the model's ends; exactly one producer (a slice, or the user for inputs).
struct Chunk {
  std::string name;
  quantize::Shape shape;
  std::int32_t exponent = 0;
  std::int64_t lo = 0, hi = 0;
  bool is_public = false;
  friend bool operator==(const Chunk&, const Chunk&) = default;
};

/// A tensor of the model's boundary graph as one or more chunks (concatenated along the leading axis).
struct Edge {
  std::string name;
  std::vector<std::uint32_t> chunks;
  bool is_input = false, is_output = false;
  std::optional<IoMapping> io;  ///< present iff is_input or is_output
  friend bool operator==(const Edge&, const Edge&) = default;
};

/// Weights of two slices that are the same (base < slice), each in its own tree, with a proof (proof/tie.h).
struct WeightTie {
  std::uint32_t slice = 0, base = 0;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> weights;  ///< WeightId of the slice, ascending, and of the base
  std::uint32_t opening = 0, base_opening = 0;                   ///< of both origin trees
  Geometry witness, end;
  Bytes proof;
  friend bool operator==(const WeightTie&, const WeightTie&) = default;
};

struct ModelKey {
  std::vector<SliceKey> slices;
  std::vector<Chunk> chunks;
  std::vector<Edge> edges;
  std::vector<std::string> labels;  ///< class labels of the (single) output; may be empty
  std::vector<WeightTie> ties;      ///< ascending by (slice, base); most models have none

  [[nodiscard]] Profile profile() const { return slices.front().profile; }
  [[nodiscard]] bool weights_public() const;
  /// Some slice runs in float.
  [[nodiscard]] bool has_float() const;
  /// H(version, profile, ordered slice digests, chunks, edges, labels, and ties without their proofs if there are any).
  [[nodiscard]] Digest id() const;
};

/// All rules of the boundary graph: ports agree with chunks in shape, exponent, range and visibility; exactly one producer per
/// chunk, before its consumers; one profile and one boundary geometry; geometries are the solved ones (never weaker); edges
/// cover the chunks exactly once; at most four consumers per committed chunk; weights all hidden or all public, public ones
/// complete and within their bounds; sizes that do not overflow, mappings that are permutations: what a verifier does with the
/// user's tensors stays inside them; a slice that runs in float says by whom, in plain text.
[[nodiscard]] Status check_model_key(const ModelKey& key);

Bytes encode_model_key(const ModelKey& key);
/// Canonical, bounded; ends with check_model_key. Does not verify range proofs and ties (verify_ranges and verify_tie do).
[[nodiscard]] Result<ModelKey> decode_model_key(ByteView bytes);

}  // namespace dsperse::proof
