// What coordinator and workers keep, in memory over a faulty disk: state, log, book.
//
// The same interfaces as on one machine (work/coordinator/local.h, work/worker); every call can be the last one.
// Tested by tests/sim/ports_test.cc.
#pragma once

#include <map>

#include "disk.h"
#include "dsperse/trust/ledger/proofs.h"
#include "dsperse/work/coordinator/ports.h"
#include "dsperse/work/worker/worker.h"

namespace dsperse::sim {

class MemoryState final : public work::StateStore {
 public:
  using Content = std::map<std::string, Bytes, std::less<>>;
  MemoryState(Fuse& fuse, const DiskFaults& faults) : values_(fuse, faults) {}
  Status save(const std::vector<std::pair<std::string, Bytes>>& values) override;
  Result<std::optional<Bytes>> load(std::string_view name) override;
  Result<std::vector<std::string>> names(std::string_view prefix) override;
  void crash() { values_.crash(); }
  [[nodiscard]] std::size_t bytes() const;
  [[nodiscard]] const Content& content() const { return values_.get(); }
  void set(Content content) { values_.set(std::move(content)); }

 private:
  Durable<Content> values_;
};

class MemoryLedger final : public work::Ledger, private trust::NodeSource {
 public:
  struct Content {
    std::vector<Bytes> entries;
    std::map<Digest, std::uint64_t> index;  ///< by hash of the entry
    std::map<std::pair<unsigned, std::uint64_t>, Digest> nodes;
    std::map<std::uint64_t, trust::Envelope> checkpoints;  ///< by size
    void append(Bytes entry);
  };
  MemoryLedger(Fuse& fuse, const DiskFaults& faults, std::string origin, const trust::Signer& keeper)
      : content_(fuse, faults), origin_(std::move(origin)), keeper_(keeper) {}
  Result<std::uint64_t> add(ByteView entry) override;
  Result<trust::Envelope> seal(ByteView entry, std::uint64_t time_ms) override;
  Result<trust::Envelope> checkpoint(std::uint64_t time_ms) override;
  Result<trust::InclusionProof> inclusion(std::uint64_t index, std::uint64_t size) override;
  Result<trust::ConsistencyProof> consistency(std::uint64_t first, std::uint64_t second) override;
  const std::string& origin() const override { return origin_; }
  void crash() { content_.crash(); }

  /// What anybody can read of it: for the invariants, not for the coordinator.
  [[nodiscard]] const std::vector<Bytes>& entries() const { return content_.get().entries; }
  [[nodiscard]] Result<trust::InclusionProof> prove(std::uint64_t index) {
    return trust::prove_inclusion(*this, index, entries().size());
  }
  [[nodiscard]] Result<Digest> root() { return trust::tree_root(*this, entries().size()); }

  /// Hook of tests: entries that contain this text are not added, and get the index of the last one.
  std::string forgets;
  [[nodiscard]] const Content& content() const { return content_.get(); }
  void set(Content content) { content_.set(std::move(content)); }

 private:
  [[nodiscard]] Result<Digest> node(unsigned level, std::uint64_t index) override;
  /// Of the first `size` entries; one statement a size.
  [[nodiscard]] Result<trust::Envelope> sign(std::uint64_t size, std::uint64_t time_ms);
  Durable<Content> content_;
  std::string origin_;
  const trust::Signer& keeper_;
};

class MemoryBook final : public work::Book {
 public:
  struct Content {
    std::map<Digest, work::Done> done;
    Digest last{};
  };
  MemoryBook(Fuse& fuse, const DiskFaults& faults, const trust::PublicKey& worker)
      : content_(fuse, faults, {{}, trust::genesis(worker)}) {}
  Result<std::optional<work::Done>> find(const Digest& job) override;
  Result<Digest> last() override;
  Status record(const work::Done& done, const Digest& digest, const Digest& prev) override;
  void crash() { content_.crash(); }
  [[nodiscard]] const Content& content() const { return content_.get(); }
  void set(Content content) { content_.set(std::move(content)); }

 private:
  Durable<Content> content_;
};

}  // namespace dsperse::sim
