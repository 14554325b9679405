#include "dsperse/pipeline/ledger_view.h"

#include <fmt/format.h>

#include "dsperse/store/disk/file.h"
#include "dsperse/trust/receipt/receipt.h"
#include "dsperse/trust/record/statements.h"

namespace dsperse::pipeline {
namespace {

std::string short_hex(const Digest& d) { return to_hex(d).substr(0, 12); }

/// Kind and words of a payload of ours; nothing if it is none, or does not decode.
std::optional<std::pair<std::string, std::string>> describe(const trust::Envelope& e) {
  using Words = std::pair<std::string, std::string>;
  const std::string& type = e.payload_type;
  if (type == trust::kReceiptType) {
    if (const auto r = trust::decode_receipt(e.payload))
      return Words{"receipt", fmt::format("{} of run {}: job {} by worker {}, h_out {}", short_hex(trust::receipt_digest(*r)),
                                          short_hex(r->run), short_hex(r->job), short_hex(r->worker), short_hex(r->h_out))};
  } else if (type == trust::kOpeningType) {
    if (const auto o = trust::decode_opening(e.payload))
      return Words{"opening", fmt::format("run {} of model {}: {} slices, {} workers", short_hex(o->run), short_hex(o->model),
                                          o->treatments.size(), o->nodes.size())};
  } else if (type == trust::kClosingType) {
    if (const auto c = trust::decode_closing(e.payload))
      return Words{"closing",
                   fmt::format("run {}: all receipts are in, draw of entries {}", short_hex(c->run), short_hex(c->entries))};
  } else if (type == trust::kDrawType) {
    if (const auto d = trust::decode_draw(e.payload))
      return Words{"draw", fmt::format("run {}: {} job(s) drawn{}", short_hex(d->run), d->drawn.size(),
                                       d->late_part ? ", with a late part" : "")};
  } else if (type == trust::kVerdictType) {
    if (const auto v = trust::decode_verdict_note(e.payload))
      return Words{"verdict",
                   fmt::format("run {}, slice {}: {}, file {}", short_hex(v->run), v->slice, v->outcome, short_hex(v->verdict))};
  } else if (type == trust::kStrikeType) {
    if (const auto s = trust::decode_strike(e.payload))
      return Words{"strike",
                   fmt::format("worker {}, job {}: {}, {}", short_hex(s->worker), short_hex(s->job), s->kind, s->reason)};
  } else if (type == trust::kPayoutType) {
    if (const auto p = trust::decode_payout(e.payload))
      return Words{"payout",
                   fmt::format("{} {} to {} for receipt {}", p->amount, p->kind, short_hex(p->to), short_hex(p->receipt))};
  } else if (type == trust::kCheckpointType) {
    if (const auto c = trust::decode_checkpoint(e.payload))
      return Words{"checkpoint", fmt::format("of {}: size {}, root {}", c->origin, c->size, short_hex(c->root))};
  }
  return std::nullopt;
}

}  // namespace

EntryView describe_entry(std::uint64_t index, ByteView entry) {
  const auto envelope = trust::decode_envelope(entry);
  if (!envelope) return {index, "bytes", fmt::format("{} bytes", entry.size())};
  if (auto words = describe(*envelope)) return {index, std::move(words->first), std::move(words->second)};
  return {index, "envelope", fmt::format("{} of {} bytes", envelope->payload_type, envelope->payload.size())};
}

Result<trust::Log> open_ledger(const std::string& path) {
  const std::string inside = store::join(path, "ledger.db");
  return trust::Log::open_existing(store::exists(inside) ? inside : path);
}

Result<LedgerView> view_ledger(trust::Log& log, std::uint64_t newest) {
  LedgerView out;
  DSPERSE_TRY(out.head, log.head());
  for (std::uint64_t at = out.head.size;;) {
    DSPERSE_TRY(const auto kept, log.checkpoint_at(at));
    if (!kept) break;
    DSPERSE_TRY(trust::Checkpoint checkpoint, trust::decode_checkpoint(kept->payload));
    LedgerView::Signed one{std::move(checkpoint), {}};
    for (const auto& s : kept->signatures) one.keys.push_back(s.key);
    const std::uint64_t size = one.checkpoint.size;
    out.checkpoints.push_back(std::move(one));
    if (size == 0 || size > at) break;
    at = size - 1;
  }
  for (std::uint64_t i = 0; i < out.head.size; ++i) {
    DSPERSE_TRY(const Bytes entry, log.entry(i));
    EntryView view = describe_entry(i, entry);
    ++out.kinds[view.kind];
    if (i + newest >= out.head.size) out.entries.push_back(std::move(view));
  }
  return out;
}

Result<std::uint64_t> find_receipt(trust::Log& log, const Digest& receipt) {
  DSPERSE_TRY(const trust::Head head, log.head());
  for (std::uint64_t i = 0; i < head.size; ++i) {
    DSPERSE_TRY(const Bytes entry, log.entry(i));
    const auto envelope = trust::decode_envelope(entry);
    if (!envelope || envelope->payload_type != trust::kReceiptType) continue;
    const auto found = trust::decode_receipt(envelope->payload);
    if (found && trust::receipt_digest(*found) == receipt) return i;
  }
  return fail(ErrorKind::usage, "no receipt of this digest is in the ledger", to_hex(receipt),
              "`dsperse ledger show` lists them");
}

Result<trust::EntryProof> prove_entry(trust::Log& log, std::uint64_t index) {
  trust::EntryProof out;
  DSPERSE_TRY(out.entry, log.entry(index));
  DSPERSE_TRY(const trust::Head head, log.head());
  DSPERSE_TRY(auto kept, log.checkpoint_at(head.size));
  const auto statement = kept ? trust::decode_checkpoint(kept->payload) : Result<trust::Checkpoint>();
  if (!kept || !statement || statement->size <= index)
    return fail(ErrorKind::usage, "no checkpoint is signed above this entry yet", "entry " + std::to_string(index),
                "ask again once its keeper has signed the next one");
  DSPERSE_TRY(trust::InclusionProof proof, log.inclusion(index, statement->size));
  out.index = index;
  out.path = std::move(proof.path);
  out.checkpoint = std::move(*kept);
  return out;
}

}  // namespace dsperse::pipeline
