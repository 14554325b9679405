// Bytes of keys and certificates: flipped, cut, appended, huge, not canonical. On a small model, and on each part of its proof.
#include "cases.h"
#include "dsperse/proof/slice_argument.h"

namespace dsperse::soundness {
namespace {

class FileBytes {
 public:
  explicit FileBytes(Corpus& out) : out_(out), c_(slice_case("rearrange")) {
    bytes_ = proof::encode_certificate(certificate_of(c_, c_.prove().value()));
    key_ = proof::encode_model_key(key_of(c_));
    const auto relation = proof::slice_relation(c_.key).value();
    layout_ = proof::slice_layout<2>(proof::slice_spec(c_.key, relation), relation);
    proof_ = proof::encode_certificate(certificate_of(c_, {})).size();
  }

  void all() {
    out_.accepts("bytes: as they are", key_, bytes_, user_of(c_));
    lengths();
    fields();
    elements();
    keys();
  }

 private:
  using Change = std::function<void(Bytes&)>;
  void certificate(const std::string& name, const std::string& reason, const std::string& where, const Change& change) {
    Bytes bytes = bytes_;
    change(bytes);
    out_.rejects("bytes: " + name, reason, where, key_, bytes, user_of(c_));
  }
  void key(const std::string& name, const std::string& reason, const std::string& where, const Change& change) {
    Bytes bytes = key_;
    change(bytes);
    out_.rejects("bytes: " + name, reason, where, bytes, bytes_, user_of(c_));
  }
  static Change put(std::size_t at, std::uint64_t x, std::size_t n) {
    return [=](Bytes& b) {
      for (std::size_t k = 0; k < n; ++k) b[at + k] = static_cast<std::uint8_t>(x >> (8 * k));
    };
  }
  static Change flip(std::size_t at) {
    return [=](Bytes& b) { b[at] ^= 1; };
  }

  void lengths() {
    const std::string cut = "certificate: truncated, or bytes after its end";
    certificate("an empty certificate", "certificate: not a dsperse certificate", "certificate", [](Bytes& b) { b.clear(); });
    certificate("a certificate of its magic", "certificate: boundary table", "certificate", [](Bytes& b) { b.resize(8); });
    for (const std::size_t left : {60UL, 120UL, bytes_.size() / 2, bytes_.size() - 1}) {
      const std::string name = "a certificate cut after " + std::to_string(left) + " bytes";
      certificate(name, left < 200 ? "certificate: boundary table" : cut, "certificate", [&](Bytes& b) { b.resize(left); });
    }
    certificate("a byte after the certificate", cut, "certificate", [](Bytes& b) { b.push_back(0); });
    certificate("a certificate twice", cut, "certificate", [](Bytes& b) {
      const Bytes again = b;
      b.insert(b.end(), again.begin(), again.end());
    });
    certificate("a longer proof", "trailing bytes", "slice 0", [&](Bytes& b) {
      b.push_back(0);
      put(proof_ - 4, b.size() - proof_, 4)(b);
    });
    certificate("a shorter proof", "proof truncated", "slice 0", [&](Bytes& b) {
      b.pop_back();
      put(proof_ - 4, b.size() - proof_, 4)(b);
    });
    certificate("no proof", "proof length", "slice 0", [&](Bytes& b) {
      b.resize(proof_);
      put(proof_ - 4, 0, 4)(b);
    });
  }

  /// Magic 0, model id 8, nonce 40, salt 50, table 82: two roots of 37 bytes, slices 156, slice 160, opening 164, links 168,
  /// proof 172 (this slice has no weights).
  void fields() {
    const std::string cut = "certificate: truncated, or bytes after its end", u = "u does not evaluate to v";
    certificate("certificate's magic", "certificate: not a dsperse certificate", "certificate", flip(0));
    certificate("certificate's version", "certificate: not a dsperse certificate", "certificate", put(7, '3', 1));
    certificate("a record is said and not there", "certificate: truncated, or bytes after its end", "certificate",
                put(7, '2', 1));
    certificate("model id", "certificate of another model", "", flip(8));
    certificate("a nonce of 65 bytes", "certificate: boundary table", "certificate", put(40, 65, 4));
    certificate("a huge nonce", "certificate: boundary table", "certificate", put(40, 0xFFFFFFFF, 4));
    certificate("nonce", "nonce differs: the certificate is not for this request", "", flip(44));
    certificate("salt", u, "slice 0", flip(50));
    certificate("a boundary's chunk", "boundary table out of order", "t0", flip(82));
    certificate("a boundary of kind 2", "certificate: boundary table", "certificate", put(86, 2, 1));
    certificate("an input's root", "input differs from the certificate", "t0", flip(87));
    certificate("a huge count of slices", cut, "certificate", put(156, 0xFFFFFFFF, 4));
    certificate("a slice that there is not", "certificate: slice index", "certificate", put(160, 1, 4));
    certificate("opening without weights", "opening budget", "slice 0", put(164, 1, 4));
    certificate("a huge count of links", cut, "certificate", put(168, 0xFFFFFFFF, 4));
    certificate("a huge proof", cut, "certificate", put(172, 0xFFFFFFFF, 4));
    certificate("proof's magic", "proof magic", "slice 0", flip(proof_));
    certificate("a fresh root", u, "slice 0", flip(proof_ + 8));
    certificate("the end root", u, "slice 0", flip(proof_ + 8 + 32 * layout_.groups.size()));
    const std::size_t nonces = proof_ + 8 + 32 * (layout_.groups.size() + 1);
    certificate("the first nonce", "proof of work", "slice 0 > challenges", flip(nonces));
    certificate("the second nonce", "proof of work", "slice 0 > columns", flip(nonces + 8));
    certificate("the last byte", "Merkle root", "slice 0 > end", flip(bytes_.size() - 1));
  }

  /// In every section of the proof an element that is p, or all ones; a path length out of bounds.
  void elements() {
    const std::size_t E = 16, first = proof_ + 8 + 32 * (layout_.groups.size() + 1) + 16;
    const std::size_t clear = first + E * layout_.pads, last = clear + E * 2 * layout_.slots.size(),
                      v = last + E * 2 * layout_.vars, u = v + E * layout_.groups.size();
    std::size_t h = u;
    for (const auto& g : layout_.groups) h += E * g.geometry.code.k();
    const std::size_t u_end = h + E, columns = u_end + E * layout_.end.code.k();
    const auto& group = layout_.groups.front();
    const std::size_t salts = columns + 8 * group.trees[0].rows * group.geometry.t, path = salts + 32 * group.geometry.t;
    const std::vector<std::pair<std::string, std::size_t>> sections{
        {"a hidden message", first}, {"a clear message", clear}, {"a last message", last}, {"v", v}, {"u", u + 8}, {"h", h},
        {"u_end", u_end + 8},        {"a column", columns}};
    for (const auto& [name, at] : sections) {
      certificate(name + " that is p", "element not canonical", "slice 0", put(at, crypto::kP, 8));
      certificate(name + " of ones", "element not canonical", "slice 0", put(at, ~std::uint64_t{0}, 8));
      certificate(name + " flipped",
                  at < h         ? "u does not evaluate to v"
                  : at < columns ? "end check"
                                 : "Merkle root",
                  "slice 0", flip(at));
    }
    certificate("a salt flipped", "Merkle root", "slice 0", flip(salts));
    certificate("a huge path", "proof truncated", "slice 0", put(path, 0xFFFFFFFF, 4));
    certificate("no path", "proof truncated", "slice 0", put(path, 0, 4));
  }

  void keys() {
    const std::string bad = "key: truncated, or bytes after its end";
    key("an empty key", "key: not a dsperse key", "key", [](Bytes& b) { b.clear(); });
    key("key's magic", "key: not a dsperse key", "key", flip(0));
    key("a huge count of slices in the key", bad, "key", put(8, 0xFFFFFFFF, 4));
    key("a key cut in the middle", "slice key truncated", "key", [](Bytes& b) { b.resize(b.size() / 2); });
    key("a key without its last byte", bad, "key", [](Bytes& b) { b.pop_back(); });
    key("a byte after the key", bad, "key", [](Bytes& b) { b.push_back(0); });
    key("another profile", "key: boundary geometry below the profile", "key", put(12, 128, 1));
    key("no profile", "key: unknown security profile", "key", put(12, 99, 1));
    key("a huge program", "slice key truncated", "key", put(15, 0xFFFFFFFF, 4));
    // Same key but for a label: another model.
    ModelKey named = key_of(c_);
    named.labels = {"a label"};
    out_.rejects("bytes: another label", "the key is not the pinned model", "", proof::encode_model_key(named), bytes_,
                 user_of(c_));
    Expectation any = user_of(c_);
    any.model_id.reset();
    out_.rejects("bytes: another label, nothing pinned", "certificate of another model", "", proof::encode_model_key(named),
                 bytes_, any);
    // Flags of the last edge: a bit that means nothing is not canonical. After it: name, shape, perm, two empty lists, labels.
    const proof::Edge& edge = named.edges.back();
    const std::size_t after =
        4 + edge.io->name.size() + 4 + 8 * edge.io->logical_shape.size() + 4 + 4 * edge.io->perm.size() + 12;
    key("a flag that means nothing", "key: bytes are not canonical", "key", [&](Bytes& b) { b[b.size() - after - 1] |= 8; });
  }

  Corpus& out_;
  SliceCase c_;
  Bytes bytes_, key_;
  proof::Layout layout_;
  std::size_t proof_ = 0;
};

}  // namespace

void add_bytes(Corpus& out) { FileBytes(out).all(); }

}  // namespace dsperse::soundness
