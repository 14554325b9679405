#include "dsperse/cli/facts.h"

#include <algorithm>

#include "dsperse/cli/challenge.h"

namespace dsperse::cli {
namespace {

Json coverage_json(const proof::Coverage& c) {
  return {{"slices", c.slices},
          {"slices_proved", c.slices_proved},
          {"operators", c.ops},
          {"operators_proved", c.ops_proved},
          {"multiply_adds", c.macs},
          {"multiply_adds_proved", c.macs_proved},
          {"multiply_adds_with_ancestors_proved", c.macs_cone}};
}

/// Who makes and who reads each boundary tensor; -1 is the user.
Json edges_json(const proof::ModelKey& key) {
  std::vector<int> producer(key.chunks.size(), -1);
  std::vector<std::vector<int>> readers(key.chunks.size());
  for (std::size_t i = 0; i < key.slices.size(); ++i) {
    for (const proof::Port& p : key.slices[i].outputs) producer[p.chunk] = static_cast<int>(i);
    for (const proof::Port& p : key.slices[i].inputs) readers[p.chunk].push_back(static_cast<int>(i));
  }
  Json out = Json::array();
  for (const proof::Edge& e : key.edges)
    for (const std::uint32_t c : e.chunks) {
      std::vector<int> to = readers[c];
      if (e.is_output) to.push_back(-1);
      for (const int t : to) out.push_back({{"from", producer[c]}, {"to", t}, {"name", e.name}});
    }
  return out;
}

/// The soundness budget in a line, and whole in the document.
void show_security(Context& context, proof::Profile profile, const proof::SecurityTable& table) {
  if (table.events.empty()) return;
  context.say("soundness: {:.1f} bits in the weakest round ({}), {:.1f} over all rounds of all proofs; the profile wants {}",
              table.worst(), table.weakest().name, table.total(), proof::bits(profile));
  Json events = Json::array();
  for (const proof::SecurityEvent& e : table.events) events.push_back({{"event", e.name}, {"bits", e.bits}, {"times", e.times}});
  context.document["security"] = {{"profile_bits", proof::bits(profile)},
                                  {"weakest_round_bits", table.worst()},
                                  {"weakest_round", table.weakest().name},
                                  {"all_rounds_bits", table.total()},
                                  {"events", events}};
}

}  // namespace

Json operators_json(const proof::SliceKey& slice) {
  Json out = Json::array();
  for (const quantize::Op& op : slice.program.ops) out.push_back(op.name);
  if (const auto& f = slice.in_float) out = float_operators_json(f->engine_text(), f->operators);
  return out;
}

Json float_operators_json(const std::string& engine, const std::vector<std::string>& operators) {
  return Json::array({pipeline::counted_text(operators) + " in float by " + engine});
}

Status show_model(Context& context, const store::CompiledModel& model) {
  context.say("model id {}", to_hex(model.key.id()));
  context.say("{} slices, {} bits, {}", model.key.slices.size(), proof::bits(model.key.profile()),
              weights_text(model.key.weights_public()));
  context.document["model_id"] = to_hex(model.key.id());
  context.document["profile"] = proof::bits(model.key.profile());
  context.document["weights"] = model.key.weights_public() ? "public" : "hidden";
  context.document["plan"]["edges"] = edges_json(model.key);
  DSPERSE_TRY(const proof::SecurityTable table,
              proof::security_of_certificate(model.key, trust::proved_slices(model.treatments)));
  show_security(context, model.key.profile(), table);
  return {};
}

int show_verdict(Context& context, const proof::ModelKey& key, const pipeline::VerifyReport& report,
                 const std::map<std::uint32_t, store::SliceRecord>& measured) {
  const proof::CertificateVerdict& v = report.verdict;
  const bool accepted = v.verdict.accepted;
  const pipeline::Holding& holding = report.holding;
  const bool all_proved = std::ranges::all_of(holding.slices, [](const trust::Held& h) { return h.by.proof; });
  if (accepted) {
    // Never a bare "accepted" over something that is not proved.
    context.say("{}", all_proved ? "accepted" : "accepted: " + pipeline::holding_text(holding));
    if (!all_proved)
      for (const std::string& line : pipeline::guarantee_texts(holding)) context.say("{}", line);
    context.say("{}", pipeline::coverage_text(key, v.coverage));
    if (report.greedy)
      context.say("greedy: each token from position {} {} is the model's likeliest", report.greedy->first,
                  report.greedy->end ? fmt::format("to {}", *report.greedy->end - 1) : "on");
    if (report.challenge) show_challenge(context, *report.challenge, key.slices.size());
    context.say("{}", weights_text(key.weights_public()));
    if (report.security) show_security(context, key.profile(), *report.security);
  } else {
    context.say("rejected {}{}", v.verdict.reason, v.verdict.where.empty() ? "" : fmt::format(" ({})", v.verdict.where));
  }
  for (const std::string& note : report.notes) context.say("note: {}", note);
  context.say("verified in {}", seconds_text(report.seconds));

  Json slices = Json::array();
  for (std::uint32_t i = 0; i < key.slices.size(); ++i) {
    const auto checked =
        std::find_if(v.slices.begin(), v.slices.end(), [&](const proof::SliceReport& s) { return s.slice == i; });
    const bool proved = checked != v.slices.end() && checked->proved;
    Json j = {{"slice", i}, {"mode", proved ? "proof" : "trust"}, {"operators", operators_json(key.slices[i])}};
    if (const auto& f = key.slices[i].in_float)
      j["float"] = {{"engine", f->engine}, {"version", f->version}, {"operators", f->operators}};
    if (i < holding.slices.size()) {
      const trust::Held& held = holding.slices[i];
      j["mode"] = trust::to_text(held.by);
      j["pending"] = held.pending;
      j["drawn"] = held.drawn;
      j["workers"] = Json::array();
      for (const trust::PublicKey& worker : held.workers) j["workers"].push_back(to_hex(worker));
    }
    j["prove_s"] = nullptr;
    j["verify_s"] = proved ? Json(checked->verify_s) : Json(nullptr);
    j["proof_bytes"] = proved ? checked->proof_bytes : 0;
    j["peak_rss_bytes"] = nullptr;
    if (const auto it = measured.find(i); it != measured.end()) {
      j["prove_s"] = it->second.prove_s;
      j["peak_rss_bytes"] = it->second.peak_rss_bytes;
      add_work(j, it->second);
      Json stages = Json::object();
      for (const auto& [name, seconds] : it->second.stages) stages[name] = seconds;
      j["stages_s"] = stages;
    }
    slices.push_back(std::move(j));
  }
  Json& d = context.document;
  d["verdict"] = accepted ? "accepted" : "rejected";
  if (!accepted) {
    d["reason"] = v.verdict.reason;
    d["where"] = v.verdict.where;
  }
  d["model_id"] = to_hex(key.id());
  d["weights"] = key.weights_public() ? "public" : "hidden";
  if (report.greedy)
    d["greedy"] = {{"first", report.greedy->first}, {"end", report.greedy->end ? Json(*report.greedy->end) : Json()}};
  d["model_pinned"] = v.model_pinned;
  d["freshness_checked"] = v.fresh;
  d["coverage"] = coverage_json(v.coverage);
  if (accepted) {
    d["holding"] = {{"text", pipeline::holding_text(holding)},
                    {"weakest", holding.weakest},
                    {"coordinator", holding.keeper ? Json(to_hex(*holding.keeper)) : Json()},
                    {"coordinator_pinned", holding.keeper_pinned},
                    {"late_part_compared", holding.late}};
  }
  d["slices"] = slices;
  d["verify_s"] = report.seconds;
  d["notes"] = report.notes;
  return accepted ? kOk : kRejected;
}

}  // namespace dsperse::cli
