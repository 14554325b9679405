// Bytes of a record: docs/formats/record.md, field by field. One encoding a value; nothing is allocated for what is not there.
#include <algorithm>

#include "dsperse/trust/record/record.h"

namespace dsperse::trust {
namespace {

constexpr std::string_view kMagic = "DSREC001";
/// A path of an inclusion proof; a consistency proof has one hash more at most.
constexpr std::size_t kMaxPath = 49;
constexpr std::size_t kLeastEnvelopeBytes = 4 + 200;
constexpr std::size_t kLeastPlaceBytes = 8 + 4;
constexpr std::size_t kLeastResultBytes = kLeastEnvelopeBytes + 32 + kLeastPlaceBytes;
constexpr std::size_t kLeastAnswerBytes = 4 + 4 + kLeastResultBytes + 1 + 1;

void write(ByteWriter& w, const std::vector<Digest>& path) {
  w.u32(static_cast<std::uint32_t>(path.size()));
  for (const Digest& d : path) w.raw(d);
}
void write(ByteWriter& w, const Envelope& envelope) {
  const Bytes text = encode_envelope(envelope);
  w.u32(static_cast<std::uint32_t>(text.size()));
  w.raw(text);
}
void write(ByteWriter& w, const Place& place) {
  w.u64(place.index);
  write(w, place.path);
}
void write(ByteWriter& w, const SignedResult& result) {
  write(w, result.receipt);
  w.raw(result.salt);
  write(w, result.place);
}
void write(ByteWriter& w, const std::optional<Digest>& d) {
  w.u8(d ? 1 : 0);
  if (d) w.raw(*d);
}
void write(ByteWriter& w, const SliceAnswer& answer) {
  w.u32(answer.slice);
  w.u32(static_cast<std::uint32_t>(answer.results.size()));
  for (const SignedResult& r : answer.results) write(w, r);
  w.u8(answer.probability ? 1 : 0);
  if (answer.probability) answer.probability->write(w);
  w.u8(answer.audit ? 1 : 0);
  if (answer.audit) write(w, *answer.audit);
}

bool read_flag(ByteReader& r) {
  const std::uint8_t flag = r.u8();
  if (flag > 1) r.set_bad();
  return flag == 1;
}
std::vector<Digest> read_path(ByteReader& r) {
  std::vector<Digest> path(r.count(kMaxPath, 32));
  for (Digest& d : path) d = r.digest();
  return path;
}
Envelope read_envelope(ByteReader& r) {
  const ByteView text = r.take(r.count(kMaxEnvelopeBytes, 1));
  auto envelope = decode_envelope(text);
  if (!r.ok() || !envelope) {
    r.set_bad();
    return {};
  }
  return std::move(*envelope);
}
Place read_place(ByteReader& r) {
  Place place;
  place.index = r.u64();
  place.path = read_path(r);
  return place;
}
SignedResult read_result(ByteReader& r) {
  SignedResult result;
  result.receipt = read_envelope(r);
  result.salt = r.digest();
  result.place = read_place(r);
  return result;
}
std::optional<Digest> read_optional(ByteReader& r) {
  if (!read_flag(r)) return std::nullopt;
  return r.digest();
}
SliceAnswer read_answer(ByteReader& r) {
  SliceAnswer answer;
  answer.slice = r.u32();
  const std::size_t results = r.count(kMaxResults, kLeastResultBytes);
  if (results == 0) r.set_bad();
  answer.results.reserve(results);
  for (std::size_t i = 0; i < results && r.ok(); ++i) answer.results.push_back(read_result(r));
  if (read_flag(r)) answer.probability = Probability::read(r);
  if (read_flag(r)) answer.audit = read_result(r);
  return answer;
}

}  // namespace

Bytes encode_record(const RunRecord& record) {
  ByteWriter w;
  for (const char c : kMagic) w.u8(static_cast<std::uint8_t>(c));
  w.raw(record.keeper);
  w.text(record.origin);
  write(w, record.opening);
  write(w, record.opening_place);
  write(w, record.closing);
  write(w, record.closing_place);
  write(w, record.seal);
  write(w, record.checkpoint);
  w.u64(record.growth.first);
  w.u64(record.growth.second);
  write(w, record.growth.path);
  write(w, record.secret);
  write(w, record.late_part);
  w.u32(static_cast<std::uint32_t>(record.slices.size()));
  for (const SliceAnswer& a : record.slices) write(w, a);
  w.u32(static_cast<std::uint32_t>(record.verdicts.size()));
  for (const VerdictEntry& v : record.verdicts) {
    write(w, v.note);
    write(w, v.place);
  }
  return w.take();
}

Result<RunRecord> decode_record(ByteView bytes) {
  if (bytes.size() > kMaxRecordBytes)
    return fail(ErrorKind::bad_input, "a record of " + std::to_string(bytes.size()) + " bytes", "record",
                "at most " + std::to_string(kMaxRecordBytes));
  ByteReader r(bytes);
  RunRecord out;
  for (const char c : kMagic)
    if (r.u8() != static_cast<std::uint8_t>(c)) r.set_bad();
  out.keeper = r.digest();
  out.origin = r.text(kMaxOriginBytes);
  if (out.origin.empty() || !is_word(out.origin, kMaxOriginBytes)) r.set_bad();
  if (r.ok()) out.opening = read_envelope(r);
  out.opening_place = read_place(r);
  if (r.ok()) out.closing = read_envelope(r);
  out.closing_place = read_place(r);
  if (r.ok()) out.seal = read_envelope(r);
  if (r.ok()) out.checkpoint = read_envelope(r);
  out.growth.first = r.u64();
  out.growth.second = r.u64();
  out.growth.path = read_path(r);
  out.secret = read_optional(r);
  out.late_part = read_optional(r);
  const std::size_t slices = r.count(kMaxOpeningSlices, kLeastAnswerBytes);
  out.slices.reserve(slices);
  for (std::size_t i = 0; i < slices && r.ok(); ++i) out.slices.push_back(read_answer(r));
  const std::size_t verdicts = r.count(kMaxVerdicts, kLeastEnvelopeBytes + kLeastPlaceBytes);
  out.verdicts.reserve(verdicts);
  for (std::size_t i = 0; i < verdicts && r.ok(); ++i) {
    VerdictEntry entry;
    entry.note = read_envelope(r);
    entry.place = read_place(r);
    out.verdicts.push_back(std::move(entry));
  }
  if (!r.finished())
    return fail(ErrorKind::bad_input, "not a record of a run", "record > byte " + std::to_string(r.position()),
                "ask for the certificate again; docs/formats/record.md");
  return out;
}

}  // namespace dsperse::trust
