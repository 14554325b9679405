#include "dsperse/pipeline/verify.h"

#include <fmt/format.h>

#include <chrono>

#include "dsperse/pipeline/expectation.h"

namespace dsperse::pipeline {
namespace {

using Clock = std::chrono::steady_clock;

double percent(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? 0.0 : 100.0 * static_cast<double>(part) / static_cast<double>(whole);
}

}  // namespace

Result<std::vector<trust::Treatment>> wanted_treatments(const proof::ModelKey& key, const trust::Policy& policy) {
  std::vector<const quantize::Program*> programs;
  for (const proof::SliceKey& s : key.slices) programs.push_back(&s.program);
  return trust::expand(policy, programs);
}

Result<std::set<std::uint32_t>> wanted_slices(const proof::ModelKey& key, const trust::Policy& policy) {
  DSPERSE_TRY(const std::vector<trust::Treatment> treatments, wanted_treatments(key, policy));
  return proved_slices(treatments);
}

Result<std::vector<trust::Treatment>> asked_treatments(const VerifyRequest& request) {
  trust::Policy policy = request.policy.value_or(trust::Policy{});
  if (request.challenge && !request.policy) policy.fallback = {};
  DSPERSE_TRY(std::vector<trust::Treatment> asked, wanted_treatments(*request.key, policy));
  if (request.challenge) {
    DSPERSE_TRY(const std::set<std::uint32_t> drawn, drawn_slices(*request.key, *request.challenge));
    for (const std::uint32_t i : drawn) asked[i] = {.proof = true};
  }
  return asked;
}

Result<VerifyReport> verify_run(const VerifyRequest& request) {
  const proof::ModelKey& key = *request.key;
  const auto start = Clock::now();
  VerifyReport out;
  DSPERSE_TRY(const proof::Expectation user, expectation_of(request));
  DSPERSE_TRY(const proof::Certificate certificate, proof::decode_certificate(key, request.certificate));
  std::optional<std::pair<std::uint32_t, Clock::time_point>> running;
  std::map<std::uint32_t, double> times;
  const auto stop = [&] {
    if (running) times[running->first] = std::chrono::duration<double>(Clock::now() - running->second).count();
  };
  Verdict bound = request.challenge ? check_challenge(key, certificate, *request.challenge) : Verdict::accept();
  if (bound && request.challenge && key.has_float())
    bound = Verdict::reject("a challenge of a model with a slice that runs in float: it cannot be answered for that one");
  if (!bound) {
    out.verdict.verdict = bound;
  } else {
    out.verdict = proof::verify_certificate(key, certificate, user, [&](std::uint32_t slice) {
      stop();
      running.emplace(slice, Clock::now());
    });
  }
  stop();
  for (proof::SliceReport& s : out.verdict.slices)
    if (const auto it = times.find(s.slice); it != times.end()) s.verify_s = it->second;
  if (out.verdict.verdict && !request.output.consistent) out.verdict.verdict = request.output.consistent;
  if (out.verdict.verdict && request.greedy) {
    DSPERSE_TRY(out.verdict.verdict, check_greedy(key, request.inputs, request.output.outputs, *request.greedy));
  }
  if (out.verdict.verdict) {
    std::set<std::uint32_t> proved;
    for (const proof::SliceProof& s : certificate.slices) proved.insert(s.slice);
    DSPERSE_TRY(const std::vector<trust::Treatment> asked, asked_treatments(request));
    DSPERSE_TRY(out.verdict.verdict,
                judge_holding(key, certificate, proved, asked, request.record, request.signatures, out.holding));
  }
  out.seconds = std::chrono::duration<double>(Clock::now() - start).count();
  if (out.verdict.verdict) {
    out.greedy = request.greedy;
    std::set<std::uint32_t> proved;
    std::map<std::uint32_t, std::size_t> links;
    for (const proof::SliceProof& s : certificate.slices) {
      proved.insert(s.slice);
      links[s.slice] = s.links.size();
    }
    if (request.challenge) {
      out.challenge.emplace();
      out.challenge->question = *request.challenge;
      DSPERSE_TRY(out.challenge->drawn, drawn_slices(key, *request.challenge));
      std::set<std::uint32_t> anyway;
      if (request.policy) {
        DSPERSE_TRY(anyway, wanted_slices(key, *request.policy));
      }
      DSPERSE_TRY(out.challenge->escapes, escapes(static_cast<std::uint32_t>(key.slices.size()), request.challenge->draw,
                                                  static_cast<std::uint32_t>(anyway.size())));
    }
    DSPERSE_TRY(out.security, proof::security_of_certificate(key, proved, links));
  }
  if (!request.model_id) out.notes.emplace_back("model not pinned: the key is taken as given (pin it with --model-id)");
  if (!request.nonce || request.nonce->empty())
    out.notes.emplace_back("freshness not checked: the certificate may be an old one (ask with --nonce)");
  out.notes.insert(out.notes.end(), out.holding.notes.begin(), out.holding.notes.end());
  return out;
}

std::string coverage_text(const proof::ModelKey& key, const proof::Coverage& c) {
  return fmt::format(
      "{} of {} slices, {} of {} operators, {:.1f} % of {}multiply-adds proved; {:.1f} % together with all that they depend on",
      c.slices_proved, c.slices, c.ops_proved, c.ops, percent(c.macs_proved, c.macs), key.has_float() ? "integer " : "",
      percent(c.macs_cone, c.macs));
}

}  // namespace dsperse::pipeline
