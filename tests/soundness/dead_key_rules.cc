// Attacks on the rules of check_model_key and of a sound geometry: keys that a verifier must not work with.
#include <limits>
#include <utility>

#include "dead_rules.h"
#include "dsperse/proof/testing/model.h"

namespace dsperse::soundness {
namespace {

using Without = RuleAttack::Without;
using proof::Geometry;
using proof::ModelKey;
using proof::Profile;
using proof::testing::make_model;

RuleAttacks geometry_attacks(Profile profile) {
  const Geometry sound = proof::solve_geometry(profile, 1000, 1);
  const auto tried = [=](const std::function<void(Geometry&)>& change) {
    return [=] {
      Geometry g = sound;
      change(g);
      return std::string(proof::sound_geometry(profile, g, 1) ? "" : "unsound");
    };
  };
  const auto is = [](unsigned c, std::size_t r, unsigned log_n, std::uint32_t t) {
    return [=](Geometry& g) { g = {{c, r, log_n}, t}; };
  };
  return {
      {"geometry: shortest row", "unsound", tried([](Geometry& g) { g.code.c = 3; })},
      {"geometry: longest row", "unsound", tried(is(17, 1000, 20, 1000))},
      {"geometry: longest code", "unsound", tried(is(16, 1000, 21, 1000))},
      {"geometry: bounded pads", "unsound", tried([](Geometry& g) { g.code.r = std::size_t{0} - g.code.kd(); })},  // k = 0
      {"geometry: rate", "unsound", tried(is(11, 800, 12, 800))},
      {"geometry: bounded queries", "unsound", tried(is(11, 1100, 13, 1100))},
      {"geometry: pads for all openings", "unsound", tried([](Geometry& g) { --g.code.r; })},
      {"geometry: queries of the profile", "unsound", tried([](Geometry& g) { --g.t; })},
  };
}

/// On the rules of weight ties; the proofs of ties are not looked at here.
RuleAttacks tie_attacks(Profile profile) {
  proof::testing::ModelSpec spec = proof::testing::tied_model();
  spec.profile = profile;
  const auto tied = std::make_shared<ModelKey>(make_model(spec).key);
  spec.public_weights = true;
  const std::vector<proof::WeightTie> none = std::exchange(spec.ties, {});
  const auto open = std::make_shared<ModelKey>(make_model(spec).key);
  open->ties = {none[0]};
  open->ties[0].witness = tied->ties[0].witness, open->ties[0].end = tied->ties[0].end;
  const auto key = [=](const std::function<void(ModelKey&)>& change) {
    return [=] {
      ModelKey k = *tied;
      change(k);
      const Status s = proof::check_model_key(k);
      return s ? std::string() : s.error().what;
    };
  };
  return {
      {"ties: order", "key: weight ties are not in order", key([](ModelKey& k) { std::swap(k.ties[0], k.ties[1]); })},
      {"ties: slices", "key: tied slices", key([](ModelKey& k) { k.ties[1].slice = 77; }), Without::crashes},
      {"ties: hidden weights", "key: tied slices without hidden weights",
       [=] {
         const Status s = proof::check_model_key(*open);
         return s ? std::string() : s.error().what;
       }},
      {"ties: some weights", "key: a tie of no weights", key([](ModelKey& k) { k.ties[1].weights.clear(); })},
      {"ties: order of weights", "key: tied weights are not in order",
       key([](ModelKey& k) { std::swap(k.ties[1].weights[0], k.ties[1].weights[1]); })},
      {"ties: weights", "key: tied weights that do not exist", key([](ModelKey& k) { k.ties[1].weights[1].first = 77; }),
       Without::crashes},
      {"ties: shapes", "key: tied weights differ in shape", key([](ModelKey& k) { k.ties[1].weights = {{0, 1}}; })},
      {"ties: openings", "key: a tie's opening is not", key([](ModelKey& k) { k.ties[1].opening = 7; })},
      {"ties: opened once", "key: two ties use one opening", key([](ModelKey& k) { k.ties[1].base_opening = 15; })},
      {"ties: geometries", "key: geometry of a tie", key([](ModelKey& k) { --k.ties[1].witness.code.r; })},
  };
}

/// On the rules of slices that run in float: a fourth slice that reads b and makes another tensor like it.
RuleAttacks float_attacks(const std::shared_ptr<ModelKey>& skip) {
  using proof::SliceKey;
  const auto key = [=](const std::function<void(ModelKey&, SliceKey&)>& change) {
    return [=] {
      ModelKey k = *skip;
      const proof::Chunk b = k.chunks[2];
      k.chunks.push_back(b);
      k.edges.push_back({"c", {4}, false, false, {}});
      SliceKey s;
      s.profile = k.profile();
      s.slack = k.slices[0].slack, s.work = k.slices[0].work;
      const quantize::TensorSpec t{b.name, b.shape, b.exponent, b.lo, b.hi};
      s.program = {{t, t}, {}, {}, {0}, {1}};
      s.inputs = {{0, 2, b.is_public}};
      s.outputs = {{1, 4, b.is_public}};
      s.boundary = k.slices[0].boundary;
      quantize::IoMapping io{"b", b.shape, {}, {}, {}};
      for (std::uint32_t axis = 0; axis < b.shape.size(); ++axis) io.perm.push_back(axis);
      s.in_float = proof::FloatSlice{"engine", "1.0", {"GridSample"}, {}, {io, io}};
      change(k, s);
      k.slices.push_back(s);
      const Status done = proof::check_model_key(k);
      return done ? std::string() : done.error().what;
    };
  };
  const auto of = [=](const std::function<void(proof::FloatSlice&)>& change) {
    return key([=](ModelKey&, SliceKey& s) { change(*s.in_float); });
  };
  return {
      {"key: a float slice makes something", "key: a float slice without outputs", key([](ModelKey& k, SliceKey& s) {
         k.chunks.pop_back();
         k.edges.pop_back();
         s.outputs.clear();
         s.program.outputs.clear();
         s.in_float->mappings.pop_back();
       })},
      {"key: a float slice has no ops", "key: a float slice with integer ops",
       key([](ModelKey& k, SliceKey& s) { s.program.ops = k.slices[0].program.ops; })},
      {"key: engine of a float slice", "key: a float slice does not say",
       of([](proof::FloatSlice& f) { f.version = "1.0 (proved)"; })},
      {"key: operators of a float slice", "key: a float slice does not say",
       of([](proof::FloatSlice& f) { f.operators[0] = "\033[2J"; })},
      {"key: a mapping for each port of a float slice", "key: mappings of a float slice",
       of([](proof::FloatSlice& f) { f.mappings.push_back(f.mappings[0]); })},
      {"key: a float slice's mapping permutes", "key: mapping of a float slice",
       of([](proof::FloatSlice& f) { f.mappings[1].perm[0] = f.mappings[1].perm[1]; })},
      {"key: a float slice's mapping's size", "key: mapping of a float slice",
       of([](proof::FloatSlice& f) { ++f.mappings[1].logical_shape[0]; })},
      {"key: a float slice's mapping has no preprocessing", "key: mapping of a float slice",
       of([](proof::FloatSlice& f) { f.mappings[0].scale = {2}; })},
      {"key: a float slice has no trees of a proof", "key: a float slice with geometries",
       key([](ModelKey& k, SliceKey& s) { s.witness = k.slices[0].witness; })},
  };
}

}  // namespace

RuleAttacks key_attacks(Profile profile) {
  proof::testing::ModelSpec skip_spec = proof::testing::skip_model(), chunk_spec = proof::testing::chunk_model();
  skip_spec.profile = chunk_spec.profile = profile;
  const auto model = std::make_shared<proof::testing::ModelCase>(make_model(skip_spec));
  const auto skip = std::make_shared<ModelKey>(model->key);
  const auto chunks = std::make_shared<ModelKey>(make_model(chunk_spec).key);
  skip_spec.profile = Profile::bits128;
  const auto strong = std::make_shared<ModelKey>(make_model(skip_spec).key);
  using Change = std::function<void(ModelKey&)>;
  const auto of = [](const std::shared_ptr<ModelKey>& base, const Change& change) {
    return [=] {
      ModelKey key = *base;
      change(key);
      const Status s = proof::check_model_key(key);
      return s ? std::string() : s.error().what;
    };
  };
  const auto key = [=](const Change& change) { return of(skip, change); };
  const auto extra_chunk = [](ModelKey& k) -> proof::Edge& {
    k.chunks.push_back(k.chunks[2]);
    k.edges.push_back({"extra", {static_cast<std::uint32_t>(k.chunks.size() - 1)}, false, false, {}});
    return k.edges.back();
  };
  const auto extra_input = [=](ModelKey& k) {
    proof::Edge& e = extra_chunk(k);
    e.is_input = true;
    e.io = k.edges[0].io;
    e.io->name = e.name;
  };
  // An input that no slice reads, of these chunks.
  const auto lonely = [](ModelKey& k, const std::vector<proof::Chunk>& parts) {
    std::int64_t elements = 0;
    proof::Edge e{"lonely", {}, true, false, {}};
    for (const proof::Chunk& c : parts) {
      e.chunks.push_back(static_cast<std::uint32_t>(k.chunks.size()));
      k.chunks.push_back(c);
      elements += quantize::elements(c.shape);
    }
    e.io = quantize::IoMapping{"lonely", {elements}, {0}, {}, {}};
    k.edges.push_back(std::move(e));
  };
  const auto alone = [=](const proof::Chunk& c) { return key([=](ModelKey& k) { lonely(k, {c}); }); };
  const auto pair = [=](const std::function<void(proof::Chunk&)>& change) {
    return key([=](ModelKey& k) {
      const proof::Chunk first{"first", {1, 2}, 0, -1, 1, true};
      proof::Chunk second = first;
      change(second);
      lonely(k, {first, second});
    });
  };
  // Weights in the key.
  const auto publish = [model](ModelKey& k, std::size_t i) {
    proof::SliceKey& s = k.slices[i];
    s.weights = s.range_witness = s.range_end = s.link_witness = s.link_end = {};
    s.weight_root.reset();
    s.range_proof.clear();
    s.public_weights = model->weights[i];
  };
  const auto published = [=](const Change& change) {
    return key([=](ModelKey& k) {
      for (std::size_t i = 0; i < k.slices.size(); ++i) publish(k, i);
      change(k);
    });
  };
  const auto with_slack = [](ModelKey& k, std::uint8_t slack) {  // and geometries that reach it
    for (proof::SliceKey& s : k.slices) {
      s.slack = slack;
      const proof::SecurityParams params = s.params();
      s.weights = proof::solve_geometry(params, 1000, proof::kWeightBudget);
      s.boundary = proof::solve_geometry(params, 1000, proof::kBoundaryUses);
      s.witness = s.range_witness = s.link_witness = proof::solve_geometry(params, 1000, 1);
      s.end = s.range_end = s.link_end = proof::solve_end_geometry(params, 20);
    }
  };
  const auto readers = [=](ModelKey& k) {  // chunk a is read by slices 1 and 2, then by three more
    for (int extra = 0; extra < 3; ++extra) {
      proof::SliceKey s = k.slices[1];
      s.outputs[0].chunk = static_cast<std::uint32_t>(k.chunks.size());
      k.chunks.push_back(k.chunks[2]);
      k.edges.push_back({"extra " + std::to_string(extra), {s.outputs[0].chunk}, false, false, {}});
      k.slices.push_back(s);
    }
    with_slack(k, proof::slack_of(k.slices.size()));
  };
  RuleAttacks out = geometry_attacks(profile);
  const RuleAttacks more = {
      {"key: some slice", "key: no slices", key([](ModelKey& k) {
         k.slices.clear();
         k.chunks.resize(1);
         k.edges.resize(1);
         k.edges[0].is_output = true;
       })},
      {"key: names of edges", "key: two edges have one name", key([](ModelKey& k) { k.edges[2].name = "a"; })},
      {"key: chunks of an edge", "key: edge without chunks",
       key([](ModelKey& k) { k.edges.push_back({"empty", {}, false, false, {}}); }), Without::crashes},
      {"key: mapping iff input or output", "key: input or output mapping", key([](ModelKey& k) { k.edges[0].io.reset(); })},
      {"key: an edge's chunk", "key: edges do not cover", key([](ModelKey& k) { k.edges[2].chunks = {9}; }), Without::crashes},
      {"key: one edge a chunk", "key: edges do not cover",
       key([](ModelKey& k) { k.edges.push_back({"again", {1}, false, false, {}}); })},
      {"key: some output", "key: no output", key([](ModelKey& k) {
         for (proof::Edge& e : k.edges) {
           e.is_output = false;
           if (!e.is_input) e.io.reset();
         }
       })},
      {"key: an edge for each chunk", "key: chunk belongs to no edge",
       key([](ModelKey& k) { k.edges.erase(k.edges.begin() + 2); })},
      {"key: range of a chunk", "key: empty range", key([=](ModelKey& k) {
         extra_input(k);
         k.chunks.back().lo = k.chunks.back().hi + 1;
       })},
      {"key: one boundary geometry", "key: boundary geometries differ", key([](ModelKey& k) {
         k.slices[1].boundary = proof::solve_geometry(k.slices[1].params(), 100000, proof::kBoundaryUses);
       })},
      {"key: produced before it is read", "key: a chunk is read before",
       key([](ModelKey& k) { std::swap(k.slices[0], k.slices[1]); })},
      {"key: one producer", "key: a chunk has two producers", of(chunks, [](ModelKey& k) { k.slices.push_back(k.slices[1]); })},
      {"key: some producer", "key: chunk without a producer", key([=](ModelKey& k) { extra_chunk(k); })},
      {"key: at most four readers", "key: more than four slices", key(readers)},
      {"key: known profile", "key: unknown security profile", key([](ModelKey& k) {
         for (proof::SliceKey& s : k.slices) s.profile = static_cast<Profile>(80);
       })},
      {"key: one profile", "key: slices of different security profiles",
       of(strong, [](ModelKey& k) { k.slices[1].profile = Profile::bits100; })},
      {"key: smallest limb", "key: limb size", key([](ModelKey& k) { k.slices[0].options.limb_bits = 0; })},
      {"key: largest limb", "key: limb size", key([](ModelKey& k) { k.slices[0].options.limb_bits = 17; })},
      {"key: largest top", "key: limb size", key([](ModelKey& k) { k.slices[0].options.top_bits = 17; })},
      {"key: largest far block", "key: limb size", key([](ModelKey& k) { k.slices[0].options.far_bits = 21; })},
      {"key: number of input ports", "key: ports", key([](ModelKey& k) { k.slices[2].inputs.push_back(k.slices[2].inputs[0]); }),
       Without::crashes},
      {"key: number of output ports", "key: ports",
       key([](ModelKey& k) { k.slices[2].outputs.push_back(k.slices[2].outputs[0]); }), Without::crashes},
      {"key: a port's tensor", "key: ports and the program's",
       key([](ModelKey& k) { std::swap(k.slices[2].inputs[0], k.slices[2].inputs[1]); })},
      {"key: one port a tensor", "key: ports and the program's", key([](ModelKey& k) {
         k.slices[2].program.inputs[1] = k.slices[2].program.inputs[0];
         k.slices[2].inputs[1].tensor = k.slices[2].inputs[0].tensor;
       })},
      {"key: a port's chunk", "key: port names no chunk", key([](ModelKey& k) { k.slices[2].inputs[0].chunk = 77; }),
       Without::crashes},
      {"key: visibility of port and chunk", "key: port and chunk differ",
       key([](ModelKey& k) { k.slices[2].inputs[0].is_public = true; })},
      {"key: shape of port and chunk", "key: port and chunk differ", key([](ModelKey& k) { k.chunks[1].shape = {3, 2}; })},
      {"key: exponent of port and chunk", "key: port and chunk differ", key([](ModelKey& k) { ++k.chunks[1].exponent; })},
      {"key: range of port and chunk", "key: port and chunk differ", key([](ModelKey& k) { --k.chunks[1].lo; })},
      {"key: inputs are different chunks", "key: two inputs of a slice",
       key([](ModelKey& k) { k.slices[2].inputs[1].chunk = k.slices[2].inputs[0].chunk; })},
      {"key: shape of a chunk", "key: shape of a chunk", alone({"lonely", {1, 1, 1, 1, 1, 1, 1, 1, 1}, 0, -1, 1, true})},
      {"key: bounded range of a chunk", "key: range or exponent", alone({"lonely", {1}, 0, -1, 1 << 16, true})},
      {"key: bounded exponent of a chunk", "key: range or exponent", alone({"lonely", {1}, 1000, -1, 1, true})},
      {"key: one exponent in an edge", "key: chunks of an edge", pair([](proof::Chunk& c) { ++c.exponent; })},
      {"key: one range in an edge", "key: chunks of an edge", pair([](proof::Chunk& c) { ++c.hi; })},
      {"key: one visibility in an edge", "key: chunks of an edge", pair([](proof::Chunk& c) { c.is_public = false; })},
      {"key: chunks of an edge fit", "key: chunks of an edge", pair([](proof::Chunk& c) { c.shape = {1, 3}; })},
      {"key: size of an edge", "key: an edge has more", key([=](ModelKey& k) {  // nine times 2^28 elements
         proof::Edge huge{"huge", {}, false, false, {}};
         for (int i = 0; i < 9; ++i) {
           proof::SliceKey s = k.slices[0];
           proof::Chunk c = k.chunks[1];
           huge.chunks.push_back(static_cast<std::uint32_t>(k.chunks.size()));
           c.shape = s.program.tensors[s.outputs[0].tensor].shape = {std::int64_t{1} << 28};
           s.outputs[0].chunk = huge.chunks.back();
           k.chunks.push_back(c);
           k.slices.push_back(s);
         }
         k.edges.push_back(huge);
         with_slack(k, proof::slack_of(k.slices.size()));
       })},
      {"key: a mapping's name", "key: mapping of another tensor", key([](ModelKey& k) { k.edges[0].io->name = "another"; })},
      {"key: a mapping permutes", "key: input or output mapping", key([](ModelKey& k) { k.edges[0].io->perm = {0, 0}; })},
      {"key: a mapping's size", "key: input or output mapping", key([](ModelKey& k) { k.edges[0].io->logical_shape = {2, 4}; })},
      {"key: preprocessing by channel", "key: preprocessing", key([](ModelKey& k) { k.edges[0].io->scale = {1, 2}; })},
      {"key: preprocessing is finite", "key: preprocessing",
       key([](ModelKey& k) { k.edges[0].io->bias = {std::numeric_limits<float>::infinity()}; })},
      {"key: a weight tree holds weights", "key: weight tree", key([](ModelKey& k) { k.slices[0].program.weights.clear(); })},
      {"key: weight root iff hidden weights", "key: weight tree", key([](ModelKey& k) { k.slices[0].weight_root.reset(); })},
      {"key: range proof iff hidden weights", "key: weight tree", key([](ModelKey& k) { k.slices[0].range_proof.clear(); })},
      {"key: public weights are there", "key: public weights", published([](ModelKey& k) {
         for (proof::SliceKey& s : k.slices) s.public_weights.clear();
       })},
      {"key: public weights have their shape", "key: public weights",
       published([](ModelKey& k) { k.slices[0].public_weights[0].narrow.push_back(0); })},
      {"key: public weights are bounded", "key: a public weight is beyond",
       published([](ModelKey& k) { k.slices[0].public_weights[0].narrow[0] = 16; })},
      {"key: one kind of weights", "key: some weights are hidden", key([=](ModelKey& k) { publish(k, 1); })},
      {"key: enough slack", "key: slack or work", key([](ModelKey& k) {
         for (proof::SliceKey& s : k.slices) --s.slack;
       })},
      {"key: bounded slack", "key: slack or work", key([=](ModelKey& k) { with_slack(k, proof::kMaxSlackBits + 1); })},
      {"key: bounded work", "key: slack or work", key([](ModelKey& k) {
         for (proof::SliceKey& s : k.slices) s.work = proof::kMaxWorkBits + 1;
       })},
      {"key: geometries of ranges and links", "key: geometry of the range proof",
       key([](ModelKey& k) { --k.slices[0].link_end.code.r; })},
      {"key: boundary geometry iff committed ports", "key: boundary geometry",
       key([](ModelKey& k) { k.slices[0].boundary = {}; })},
      {"key: weight geometry", "key: weight geometry below", key([](ModelKey& k) { --k.slices[0].weights.t; })},
      {"key: boundary geometry", "key: boundary geometry below", key([](ModelKey& k) {
         for (proof::SliceKey& s : k.slices) --s.boundary.t;
       })},
      {"key: witness geometry", "key: geometry below", key([](ModelKey& k) { --k.slices[0].witness.code.r; })},
      {"key: end geometry", "key: geometry below", key([](ModelKey& k) { --k.slices[0].end.code.r; })},
  };
  out.insert(out.end(), more.begin(), more.end());
  const RuleAttacks ties = tie_attacks(profile);
  out.insert(out.end(), ties.begin(), ties.end());
  const RuleAttacks floats = float_attacks(skip);
  out.insert(out.end(), floats.begin(), floats.end());
  return out;
}

}  // namespace dsperse::soundness
