#include "recorder.h"

#include <algorithm>
#include <cstdlib>
#include <mutex>

#include "dsperse/base/parallel.h"
#include "dsperse/base/random.h"
#include "dsperse/crypto/commit/tree.h"
#include "dsperse/crypto/hash/hash.h"
#include "wrapped.h"

namespace dsperse::soundness {

using crypto::Fp;
using crypto::SeedStream;

std::uint64_t position_of(const SeedStream& s);
/// An explicit instantiation may name private members: where the stream's next byte comes from.
template <auto kNextBlock, auto kAt, auto kBuffer>
struct Position {
  friend std::uint64_t position_of(const SeedStream& s) { return 32 * (s.*kNextBlock) - ((s.*kBuffer).size() - (s.*kAt)); }
};
template struct Position<&SeedStream::next_block_, &SeedStream::at_, &SeedStream::buffer_>;

namespace {

Recorder* active = nullptr;
std::recursive_mutex mutex;
/// Draws are told apart by their order; trees that are made side by side would mix them.
[[maybe_unused]] const bool kOneThread = (set_threads(1), true);

}  // namespace

/// What the wrappers do, while a recorder is there.
struct RecorderAccess {
  using Lock = std::scoped_lock<std::recursive_mutex>;

  static Result<Digest> seed() {
    const Lock lock(mutex);
    Recorder& r = *active;
    ByteWriter w;
    w.u64(r.number_);
    w.u64(r.seeds_);
    Digest out = crypto::hash_tagged("test operating system", {w.bytes()});
    if (r.faults_.seed) r.faults_.seed(r.seeds_, out);
    ++r.seeds_;
    if (r.argument_) r.argument_->attempts.push_back(r.recording_.trees.size());
    if (r.keep_) r.recording_.seeds.push_back(out);
    return out;
  }
  static void change(Digest& seed, std::string& label, std::uint64_t& number) {
    if (active->faults_.stream) active->faults_.stream(seed, label, number);
  }
  static void opened(const SeedStream& s, const Digest& seed, const std::string& label, std::uint64_t number) {
    const Lock lock(mutex);
    Recorder& r = *active;
    r.labels_[s.key()] = label;
    if (r.keep_) r.recording_.streams.push_back({seed, s.key(), label, number});
  }
  /// Zeros where a fault wants them; then writes down what is handed out.
  static void drew(const SeedStream& s, std::uint64_t from, std::span<Fp> elements, std::span<std::uint8_t> bytes) {
    const Lock lock(mutex);
    Recorder& r = *active;
    const std::string& label = r.labels_[s.key()];
    if (r.faults_.element)
      for (std::size_t i = 0; i < elements.size(); ++i) r.faults_.element(label, from + 8 * i, elements[i]);
    if (r.faults_.silent && r.faults_.silent(label, from)) {
      std::fill(elements.begin(), elements.end(), Fp());
      std::fill(bytes.begin(), bytes.end(), std::uint8_t{0});
    }
    if (!r.keep_) return;
    Drawn d{s.key(), from, position_of(s), {}, Bytes(bytes.begin(), bytes.end())};
    for (const Fp x : elements) d.elements.push_back(x.v);
    r.recording_.drawn.push_back(std::move(d));
  }
  static void derived(const Digest& from, const Digest& to) {
    const Lock lock(mutex);
    if (active->keep_) active->recording_.derived.emplace_back(from, to);
  }
  static void spoil(const crypto::Code& code, std::vector<Fp>& rows) {
    if (active->faults_.rows) active->faults_.rows(code, rows);
  }
  static void committed(CommittedRows tree) {
    const Lock lock(mutex);
    if (active->keep_) active->recording_.trees.push_back(std::move(tree));
  }
  static void begin(const proof::Layout& layout, const std::vector<std::vector<const proof::CommittedTree*>>& trees) {
    const Lock lock(mutex);
    Argument& a = active->argument_.emplace();
    a.layout = layout;
    for (const auto& group : trees) {
      a.given.emplace_back();
      for (const auto* t : group) a.given.back().push_back(t->tree->root());
    }
  }
  template <int D>
  static proof::Forge<D> watch(const proof::Forge<D>* forge) {
    using E = crypto::Ext<D>;
    proof::Forge<D> out;
    if (forge != nullptr) out = *forge;
    const auto note = [](std::vector<std::vector<std::uint64_t>>& to, std::uint32_t i, const E& x) {
      to.resize(i);
      to.emplace_back();
      for (const Fp limb : x.c) to.back().push_back(limb.v);
    };
    out.hidden = [note, then = out.hidden](std::string_view label, std::uint32_t i, E& x) {
      if (then) then(label, i, x);
      note(active->argument_->hidden, i, x);
    };
    out.last = [note, then = out.last](std::string_view label, std::uint32_t i, E& x) {
      if (then) then(label, i, x);
      note(active->argument_->last, i, x);
    };
    if (active->faults_.challenge)
      out.challenge = [then = out.challenge](std::string_view label, E& x) {
        if (then) then(label, x);
        std::vector<Fp> limbs(x.c.begin(), x.c.end());
        active->faults_.challenge(label, limbs);
        std::copy(limbs.begin(), limbs.end(), x.c.begin());
      };
    return out;
  }
  static void end(const Result<Bytes>& proof) {
    const Lock lock(mutex);
    Argument& a = *active->argument_;
    if (proof) a.proof = *proof;
    if (active->keep_) active->recording_.arguments.push_back(std::move(a));
    active->argument_.reset();
  }
};

Recorder::Recorder(std::uint64_t number, Faults faults, bool keep) : number_(number), faults_(std::move(faults)), keep_(keep) {
  if (active != nullptr) std::abort();
  active = this;
}
Recorder::~Recorder() { active = nullptr; }

// The linker sends the product's calls here (wrap_*); real_* are the product's functions.
#define DSPERSE_WRAP(ret, name, symbol, ...)              \
  ret real_##name(__VA_ARGS__) __asm__("__real_" symbol); \
  ret wrap_##name(__VA_ARGS__) __asm__("__wrap_" symbol); \
  ret wrap_##name(__VA_ARGS__)

DSPERSE_WRAP(Result<Digest>, random_seed, DSPERSE_WRAPPED_RANDOM_SEED) {
  return active != nullptr ? RecorderAccess::seed() : real_random_seed();
}

DSPERSE_WRAP(void, stream, DSPERSE_WRAPPED_STREAM, SeedStream* self, const Digest& seed, std::string_view label,
             std::uint64_t number) {
  if (active == nullptr) return real_stream(self, seed, label, number);
  Digest s = seed;
  std::string l(label);
  RecorderAccess::change(s, l, number);
  real_stream(self, s, l, number);
  RecorderAccess::opened(*self, s, l, number);
}

DSPERSE_WRAP(Fp, fp, DSPERSE_WRAPPED_FP, SeedStream* self) {
  const std::uint64_t from = position_of(*self);
  Fp x = real_fp(self);
  if (active != nullptr) RecorderAccess::drew(*self, from, {&x, 1}, {});
  return x;
}

DSPERSE_WRAP(void, fill_fp, DSPERSE_WRAPPED_FILL_FP, SeedStream* self, std::span<Fp> out) {
  const std::uint64_t from = position_of(*self);
  real_fill_fp(self, out);
  if (active != nullptr) RecorderAccess::drew(*self, from, out, {});
}

DSPERSE_WRAP(void, fill_bytes, DSPERSE_WRAPPED_FILL_BYTES, SeedStream* self, std::span<std::uint8_t> out) {
  const std::uint64_t from = position_of(*self);
  real_fill_bytes(self, out);
  if (active != nullptr) RecorderAccess::drew(*self, from, {}, out);
}

DSPERSE_WRAP(Digest, hash_tagged, DSPERSE_WRAPPED_HASH_TAGGED, std::string_view context, std::initializer_list<ByteView> parts) {
  const Digest out = real_hash_tagged(context, parts);
  if (active != nullptr && (context == "dsperse weight seed v1" || context == "dsperse boundary seed v1"))
    RecorderAccess::derived(ByteReader(*parts.begin()).digest(), out);
  return out;
}

DSPERSE_WRAP(crypto::Tree, commit, DSPERSE_WRAPPED_COMMIT, const crypto::Code& code, std::vector<crypto::TableauRow> rows,
             const Digest& salt_seed, crypto::Codewords codewords) {
  if (active == nullptr) return real_commit(code, std::move(rows), salt_seed, codewords);
  const std::size_t k = code.k();
  CommittedRows out{code, {}, salt_seed, {}};
  for (const crypto::TableauRow& row : rows) {
    for (std::size_t j = 0; j < code.kd(); ++j) out.rows.push_back(row.data.at(j));
    out.rows.insert(out.rows.end(), row.pads, row.pads + code.r);
  }
  RecorderAccess::spoil(code, out.rows);
  for (std::size_t i = 0; i < rows.size(); ++i)
    rows[i] = {crypto::Symbols(out.rows.data() + i * k), out.rows.data() + i * k + code.kd()};
  crypto::Tree tree = real_commit(code, std::move(rows), salt_seed, crypto::Codewords::kept);
  out.root = tree.root();
  RecorderAccess::committed(std::move(out));
  return tree;
}

#define DSPERSE_WRAP_PROVE(D)                                                                                             \
  DSPERSE_WRAP(Result<Bytes>, prove_##D, DSPERSE_WRAPPED_PROVE_##D, const proof::Layout& layout, const proof::Head& head, \
               const proof::ArgumentWitness& witness, const proof::ScheduleFn<D>& schedule, proof::ProveStats* stats,     \
               const proof::Forge<D>* forge, std::vector<std::string>* log) {                                             \
    if (active == nullptr) return real_prove_##D(layout, head, witness, schedule, stats, forge, log);                     \
    RecorderAccess::begin(layout, witness.trees);                                                                         \
    const proof::Forge<D> watched = RecorderAccess::watch<D>(forge);                                                      \
    Result<Bytes> proof = real_prove_##D(layout, head, witness, schedule, stats, &watched, log);                          \
    RecorderAccess::end(proof);                                                                                           \
    return proof;                                                                                                         \
  }
DSPERSE_WRAP_PROVE(2)
DSPERSE_WRAP_PROVE(3)

}  // namespace dsperse::soundness
