#include "dsperse/trust/record/statements.h"

#include <algorithm>
#include <array>

#include "dsperse/crypto/hash/hash.h"

namespace dsperse::trust {
namespace {

constexpr std::size_t kMaxTreatmentBytes = 128;
constexpr std::array<std::string_view, 3> kLateWords = {"none", "user-nonce", "beacon"};
constexpr std::array<std::string_view, 6> kStrikeWords = {"liveness",        "commitment",        "correctness",
                                                          "pardon liveness", "pardon commitment", "pardon correctness"};
constexpr std::array<std::string_view, 4> kPayoutWords = {"wage", "refund", "stake", "share"};

template <std::size_t N>
bool one_of(const std::array<std::string_view, N>& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

template <class T>
Result<T> finish(const CanonicalReader& in, T value, const char* what) {
  if (!in.finished()) return fail(ErrorKind::bad_input, std::string("not a canonical ") + what, in.where());
  return value;
}

/// One named digest, as most members are.
Digest read_digest(CanonicalReader& in, std::string_view name) {
  in.literal(name);
  return in.digest();
}

std::optional<Digest> read_optional(CanonicalReader& in) {
  if (in.take_if("null")) return std::nullopt;
  return in.digest();
}

/// [ITEM, ...], at most `limit` of them; item(in) reads one and may set the reader bad.
template <class Item>
void read_list(CanonicalReader& in, std::size_t limit, Item&& item) {
  in.literal("[");
  if (in.take_if("]")) return;
  std::size_t count = 0;
  do {
    if (++count > limit) in.set_bad();
    if (!in.ok()) return;
    item(in);
  } while (in.take_if(","));
  in.literal("]");
}

NodeLabels read_node(CanonicalReader& in) {
  NodeLabels node;
  node.key = read_digest(in, R"({"key":)");
  in.literal(R"(,"operator":)");
  node.operated_by = in.word(kMaxLabelBytes);
  in.literal(R"(,"region":)");
  node.region = in.word(kMaxLabelBytes);
  in.literal(R"(,"engine":)");
  node.engine = in.word(kMaxLabelBytes);
  in.literal("}");
  return node;
}

/// Only the canonical text of a treatment is one.
Treatment read_treatment(CanonicalReader& in) {
  const std::string text = in.word(kMaxTreatmentBytes);
  if (!in.ok()) return {};
  const auto treatment = parse_treatment(text);
  if (!treatment || to_text(*treatment) != text) {
    in.set_bad();
    return {};
  }
  return *treatment;
}

}  // namespace

Status check_opening(const RunOpening& o) {
  const auto bad = [](const char* what) { return fail(ErrorKind::bad_input, what, "opening"); };
  if (o.treatments.size() > kMaxOpeningSlices) return bad("more slices than an opening holds");
  for (const Treatment& t : o.treatments)
    if (auto s = check(t); !s) return fail(ErrorKind::bad_input, s.error().what, "opening", s.error().hint);
  if (o.nodes.size() > kMaxOpeningNodes) return bad("more workers than an opening holds");
  for (std::size_t i = 0; i < o.nodes.size(); ++i) {
    const NodeLabels& n = o.nodes[i];
    if (i > 0 && o.nodes[i - 1].key >= n.key) return bad("workers that do not ascend by key");
    for (const std::string* label : {&n.operated_by, &n.region, &n.engine})
      if (!is_word(*label, kMaxLabelBytes)) return bad("a label that is no word");
  }
  if (static_cast<std::size_t>(o.late) >= kLateWords.size()) return bad("an unknown kind of late part");
  if (o.time_ms > kMaxNumber) return bad("a time beyond 2^53");
  return {};
}

Bytes encode_opening(const RunOpening& o) {
  CanonicalWriter out;
  out.literal(R"({"v":1,"run":)").digest(o.run).literal(R"(,"model":)").digest(o.model);
  out.literal(R"(,"commitment":)").digest(o.commitment);
  out.literal(R"(,"late":)").word(kLateWords[static_cast<std::size_t>(o.late)]);
  out.literal(R"(,"time_ms":)").number(o.time_ms).literal(R"(,"treatments":[)");
  for (std::size_t i = 0; i < o.treatments.size(); ++i) out.literal(i == 0 ? "" : ",").word(to_text(o.treatments[i]));
  out.literal(R"(],"nodes":[)");
  for (std::size_t i = 0; i < o.nodes.size(); ++i) {
    const NodeLabels& n = o.nodes[i];
    out.literal(i == 0 ? R"({"key":)" : R"(,{"key":)").digest(n.key).literal(R"(,"operator":)").word(n.operated_by);
    out.literal(R"(,"region":)").word(n.region).literal(R"(,"engine":)").word(n.engine).literal("}");
  }
  out.literal("]}");
  return out.take();
}

Result<RunOpening> decode_opening(ByteView payload) {
  CanonicalReader in(payload);
  RunOpening o;
  o.run = read_digest(in, R"({"v":1,"run":)");
  o.model = read_digest(in, R"(,"model":)");
  o.commitment = read_digest(in, R"(,"commitment":)");
  in.literal(R"(,"late":)");
  const std::string late = in.word(kMaxLabelBytes);
  const auto at = std::find(kLateWords.begin(), kLateWords.end(), late);
  if (at == kLateWords.end()) in.set_bad();
  o.late = static_cast<lottery::Late>(at == kLateWords.end() ? 0 : at - kLateWords.begin());
  in.literal(R"(,"time_ms":)");
  o.time_ms = in.number();
  in.literal(R"(,"treatments":)");
  read_list(in, kMaxOpeningSlices, [&](CanonicalReader& r) { o.treatments.push_back(read_treatment(r)); });
  in.literal(R"(,"nodes":)");
  read_list(in, kMaxOpeningNodes, [&](CanonicalReader& r) { o.nodes.push_back(read_node(r)); });
  in.literal("}");
  if (!in.finished()) return fail(ErrorKind::bad_input, "not a canonical opening", in.where());
  DSPERSE_CHECK_OK(check_opening(o));
  return o;
}

Digest opening_digest(const RunOpening& opening) {
  return crypto::hash_tagged("dsperse run opening v1", {encode_opening(opening)});
}

Bytes encode_closing(const ClosingNote& n) {
  CanonicalWriter out;
  out.literal(R"({"v":1,"run":)").digest(n.run).literal(R"(,"opening":)").digest(n.opening);
  out.literal(R"(,"entries":)").digest(n.entries).literal("}");
  return out.take();
}

Result<ClosingNote> decode_closing(ByteView payload) {
  CanonicalReader in(payload);
  ClosingNote n;
  n.run = read_digest(in, R"({"v":1,"run":)");
  n.opening = read_digest(in, R"(,"opening":)");
  n.entries = read_digest(in, R"(,"entries":)");
  in.literal("}");
  return finish(in, n, "closing");
}

Bytes encode_draw(const DrawNote& n) {
  CanonicalWriter out;
  out.literal(R"({"v":1,"run":)").digest(n.run).literal(R"(,"secret":)").digest(n.secret).literal(R"(,"late_part":)");
  if (n.late_part)
    out.digest(*n.late_part);
  else
    out.literal("null");
  out.literal(R"(,"drawn":[)");
  for (std::size_t i = 0; i < n.drawn.size(); ++i) out.literal(i == 0 ? "" : ",").digest(n.drawn[i]);
  out.literal("]}");
  return out.take();
}

Result<DrawNote> decode_draw(ByteView payload) {
  CanonicalReader in(payload);
  DrawNote n;
  n.run = read_digest(in, R"({"v":1,"run":)");
  n.secret = read_digest(in, R"(,"secret":)");
  in.literal(R"(,"late_part":)");
  n.late_part = read_optional(in);
  in.literal(R"(,"drawn":)");
  read_list(in, kMaxOpeningSlices, [&](CanonicalReader& r) {
    const Digest job = r.digest();
    if (!n.drawn.empty() && job <= n.drawn.back()) r.set_bad();
    n.drawn.push_back(job);
  });
  in.literal("}");
  return finish(in, std::move(n), "draw");
}

Bytes encode_verdict_note(const VerdictNote& n) {
  CanonicalWriter out;
  out.literal(R"({"v":1,"run":)").digest(n.run).literal(R"(,"verdict":)").digest(n.verdict);
  out.literal(R"(,"slice":)").number(n.slice).literal(R"(,"outcome":)").word(n.outcome).literal("}");
  return out.take();
}

Result<VerdictNote> decode_verdict_note(ByteView payload) {
  CanonicalReader in(payload);
  VerdictNote n;
  n.run = read_digest(in, R"({"v":1,"run":)");
  n.verdict = read_digest(in, R"(,"verdict":)");
  in.literal(R"(,"slice":)");
  const std::uint64_t slice = in.number();
  if (slice >= kMaxOpeningSlices) in.set_bad();
  n.slice = static_cast<std::uint32_t>(slice);
  in.literal(R"(,"outcome":)");
  n.outcome = in.word(kMaxReasonBytes);
  in.literal("}");
  return finish(in, std::move(n), "verdict note");
}

Bytes encode_strike(const StrikeNote& n) {
  CanonicalWriter out;
  out.literal(R"({"v":1,"worker":)").digest(n.worker).literal(R"(,"job":)").digest(n.job);
  out.literal(R"(,"kind":)").word(n.kind).literal(R"(,"reason":)").word(n.reason);
  out.literal(R"(,"time_ms":)").number(n.time_ms).literal("}");
  return out.take();
}

Result<StrikeNote> decode_strike(ByteView payload) {
  CanonicalReader in(payload);
  StrikeNote n;
  n.worker = read_digest(in, R"({"v":1,"worker":)");
  n.job = read_digest(in, R"(,"job":)");
  in.literal(R"(,"kind":)");
  n.kind = in.word(kMaxReasonBytes);
  if (!one_of(kStrikeWords, n.kind)) in.set_bad();
  in.literal(R"(,"reason":)");
  n.reason = in.word(kMaxReasonBytes);
  in.literal(R"(,"time_ms":)");
  n.time_ms = in.number();
  in.literal("}");
  return finish(in, std::move(n), "strike");
}

Bytes encode_payout(const PayoutNote& n) {
  CanonicalWriter out;
  out.literal(R"({"v":1,"receipt":)").digest(n.receipt).literal(R"(,"to":)").digest(n.to);
  out.literal(R"(,"amount":)").number(n.amount).literal(R"(,"kind":)").word(n.kind).literal("}");
  return out.take();
}

Result<PayoutNote> decode_payout(ByteView payload) {
  CanonicalReader in(payload);
  PayoutNote n;
  n.receipt = read_digest(in, R"({"v":1,"receipt":)");
  n.to = read_digest(in, R"(,"to":)");
  in.literal(R"(,"amount":)");
  n.amount = in.number();
  in.literal(R"(,"kind":)");
  n.kind = in.word(kMaxReasonBytes);
  if (!one_of(kPayoutWords, n.kind)) in.set_bad();
  in.literal("}");
  return finish(in, std::move(n), "payout");
}

}  // namespace dsperse::trust
