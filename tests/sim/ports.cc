#include "ports.h"

#include <algorithm>

#include "dsperse/crypto/hash/hash.h"

namespace dsperse::sim {

Status MemoryState::save(const std::vector<std::pair<std::string, Bytes>>& values) {
  return values_.commit("state: save", [values](auto& map) {
    for (const auto& [name, value] : values)
      if (value.empty())
        map.erase(name);
      else
        map[name] = value;
  });
}

Result<std::optional<Bytes>> MemoryState::load(std::string_view name) {
  const auto& map = values_.read("state: load");
  const auto it = map.find(name);
  return it == map.end() ? std::optional<Bytes>() : it->second;
}

Result<std::vector<std::string>> MemoryState::names(std::string_view prefix) {
  std::vector<std::string> out;
  for (const auto& [name, value] : values_.read("state: names"))
    if (name.starts_with(prefix)) out.push_back(name);
  return out;
}

std::size_t MemoryState::bytes() const {
  std::size_t out = 0;
  for (const auto& [name, value] : values_.get()) out += value.size();
  return out;
}

void MemoryLedger::Content::append(Bytes entry) {
  const std::uint64_t at = entries.size();
  index.emplace(crypto::hash(entry), at);
  Digest root = trust::leaf_hash(entry);
  entries.push_back(std::move(entry));
  nodes[{0, at}] = root;
  for (unsigned level = 0; (at >> level & 1) != 0; ++level) {
    root = trust::node_hash(nodes.at({level, (at >> level) - 1}), root);
    nodes[{level + 1, at >> (level + 1)}] = root;
  }
}

Result<std::uint64_t> MemoryLedger::add(ByteView entry) {
  const Content& content = content_.read("ledger: look");
  const Digest hash = crypto::hash(entry);
  if (const auto it = content.index.find(hash); it != content.index.end()) return it->second;
  if (!forgets.empty() && std::search(entry.begin(), entry.end(), forgets.begin(), forgets.end()) != entry.end())
    return content.entries.size() - 1;
  const std::uint64_t at = content.entries.size();
  DSPERSE_CHECK_OK(content_.commit("ledger: add", [copy = Bytes(entry.begin(), entry.end())](Content& c) { c.append(copy); }));
  return at;
}

Result<trust::Envelope> MemoryLedger::seal(ByteView entry, std::uint64_t time_ms) {
  DSPERSE_TRY(const std::uint64_t index, add(entry));
  return sign(index + 1, time_ms);
}

Result<trust::Envelope> MemoryLedger::checkpoint(std::uint64_t time_ms) {
  return sign(content_.read("ledger: head").entries.size(), time_ms);
}

Result<trust::Envelope> MemoryLedger::sign(std::uint64_t size, std::uint64_t time_ms) {
  if (const auto kept = content_.get().checkpoints.find(size); kept != content_.get().checkpoints.end()) return kept->second;
  DSPERSE_TRY(const Digest head, trust::tree_root(*this, size));
  DSPERSE_TRY(trust::Envelope signed_head, trust::sign_checkpoint({origin_, size, head, time_ms}, keeper_));
  DSPERSE_CHECK_OK(
      content_.commit("ledger: checkpoint", [size, signed_head](Content& c) { c.checkpoints.emplace(size, signed_head); }));
  return signed_head;
}

Result<trust::InclusionProof> MemoryLedger::inclusion(std::uint64_t index, std::uint64_t size) {
  if (size > content_.read("ledger: inclusion").entries.size()) return fail(ErrorKind::usage, "the log is shorter than that");
  return trust::prove_inclusion(*this, index, size);
}

Result<trust::ConsistencyProof> MemoryLedger::consistency(std::uint64_t first, std::uint64_t second) {
  if (second > content_.read("ledger: consistency").entries.size()) return fail(ErrorKind::usage, "the log is shorter than that");
  return trust::prove_consistency(*this, first, second);
}

Result<Digest> MemoryLedger::node(unsigned level, std::uint64_t index) {
  const auto& nodes = content_.get().nodes;
  const auto it = nodes.find({level, index});
  if (it == nodes.end()) return fail(ErrorKind::internal, "no such node");
  return it->second;
}

Result<std::optional<work::Done>> MemoryBook::find(const Digest& job) {
  const Content& content = content_.read("book: find");
  const auto it = content.done.find(job);
  return it == content.done.end() ? std::optional<work::Done>() : it->second;
}

Result<Digest> MemoryBook::last() { return content_.read("book: last").last; }

Status MemoryBook::record(const work::Done& done, const Digest& digest, const Digest& prev) {
  if (content_.get().last != prev || content_.get().done.contains(done.job))
    return fail(ErrorKind::usage, "another process has this worker's key", {}, "run one process a key");
  return content_.commit("book: record", [done, digest](Content& c) {
    c.done.emplace(done.job, done);
    c.last = digest;
  });
}

}  // namespace dsperse::sim
