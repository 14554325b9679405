#include "dsperse/engine/checks.h"

#include <algorithm>
#include <array>
#include <limits>

namespace dsperse::engine {
namespace {

constexpr TimeMs kForever = std::numeric_limits<TimeMs>::max();
constexpr std::array<std::string_view, 4> kReserved = {"worker=", "operator=", "region=", "engine="};

Status check_tags(const std::vector<std::string>& tags, const std::string& where, std::size_t limit) {
  if (tags.size() > limit) return fail(ErrorKind::usage, "more than " + std::to_string(limit) + " tags", where);
  for (const std::string& tag : tags)
    if (tag.empty() || tag.size() > kMaxTagBytes)
      return fail(ErrorKind::usage, "a tag has 1 to " + std::to_string(kMaxTagBytes) + " bytes", where);
  return {};
}

Status check_memory(std::uint64_t bytes, const std::string& where) {
  if (bytes > std::uint64_t{std::numeric_limits<std::int64_t>::max()})
    return fail(ErrorKind::usage, "no machine has so much memory", where);
  return {};
}

TimeMs add(TimeMs a, TimeMs b) { return b > 0 && a > kForever - b ? kForever : a + b; }

}  // namespace

Status check(const Job& job) {
  const std::string where = "job " + to_hex(job.id);
  if (job.payload.size() > kMaxPayloadBytes)
    return fail(ErrorKind::usage, "a payload has at most " + std::to_string(kMaxPayloadBytes) + " bytes", where,
                "put it into the blob store and name its digest");
  DSPERSE_CHECK_OK(check_tags(job.needs, where + " > needs", kMaxTags));
  DSPERSE_CHECK_OK(check_tags(job.avoids, where + " > avoids", kMaxTags));
  DSPERSE_CHECK_OK(check_memory(job.memory_bytes, where));
  if (job.time_ms < 1) return fail(ErrorKind::usage, "a lease lives at least 1 ms", where);
  if (job.max_leases < 1) return fail(ErrorKind::usage, "a job needs at least one lease", where);
  return {};
}

Status check(const Puller& puller) {
  const std::string where = "worker " + to_hex(puller.worker);
  DSPERSE_CHECK_OK(check_tags(puller.tags, where, kMaxTags + kReserved.size()));
  return check_memory(puller.memory_bytes, where);
}

Status check(const NodeProfile& profile) {
  const std::string where = "worker " + to_hex(profile.key);
  for (const std::string* label : {&profile.operated_by, &profile.region, &profile.engine})
    if (label->empty() || label->size() > kMaxTagBytes - 16)
      return fail(ErrorKind::usage, "operator, region and engine have 1 to 240 bytes", where);
  DSPERSE_CHECK_OK(check_tags(profile.capabilities, where, kMaxTags));
  for (const std::string& tag : profile.capabilities)
    for (const std::string_view prefix : kReserved)
      if (tag.starts_with(prefix)) return fail(ErrorKind::usage, "a capability can't be called " + tag, where);
  return check_memory(profile.memory_bytes, where);
}

Status check_result(ByteView result) {
  if (result.size() > kMaxResultBytes)
    return fail(ErrorKind::usage, "a result has at most " + std::to_string(kMaxResultBytes) + " bytes", {},
                "put it into the blob store and name its digest");
  return {};
}

Status check_reason(std::string_view reason) {
  if (reason.size() > kMaxReasonBytes)
    return fail(ErrorKind::usage, "a reason has at most " + std::to_string(kMaxReasonBytes) + " bytes");
  return {};
}

Status check_beat(TimeMs beat_ms) {
  if (beat_ms < 1) return fail(ErrorKind::usage, "a lease lives at least 1 ms");
  return {};
}

Status check_change(NodeState from, NodeState to) {
  if (from == NodeState::excluded && to != NodeState::excluded)
    return fail(ErrorKind::usage, "an excluded worker stays excluded", {}, "enroll it with a new key");
  return {};
}

bool takes(const Puller& puller, const Job& job) {
  const auto has = [&](const std::string& tag) {
    return std::find(puller.tags.begin(), puller.tags.end(), tag) != puller.tags.end();
  };
  return puller.memory_bytes >= job.memory_bytes && std::all_of(job.needs.begin(), job.needs.end(), has) &&
         std::none_of(job.avoids.begin(), job.avoids.end(), has);
}

TimeMs deadline_of(TimeMs since, TimeMs time_ms, TimeMs now, TimeMs beat_ms) {
  return std::min(add(now, beat_ms), add(since, time_ms));
}

Puller puller_of(const NodeProfile& profile) {
  Puller out{profile.key, profile.capabilities, profile.memory_bytes};
  out.tags.push_back("worker=" + to_hex(profile.key));
  out.tags.push_back("operator=" + profile.operated_by);
  out.tags.push_back("region=" + profile.region);
  out.tags.push_back("engine=" + profile.engine);
  return out;
}

}  // namespace dsperse::engine
