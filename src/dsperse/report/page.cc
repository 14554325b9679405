// The page, section by section, in the order in which a reader asks.
#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <numeric>

#include "dsperse/report/markup.h"

namespace dsperse::report {
namespace {

std::string operators_text(const Slice& s) {
  std::string out;
  for (const std::string& op : s.operators) out += (out.empty() ? "" : ", ") + escape(op);
  return out;
}

std::string tag(const std::string& mode) {
  return fmt::format(R"(<span class="tag {}">{}</span>)", mode_class(mode), escape(mode));
}

bool all_proved(const Document& d) {
  return std::all_of(d.slices.begin(), d.slices.end(), [](const Slice& s) { return s.mode == "proof"; });
}

double share_of(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

/// Sum over the slices that have the member; absent if none has.
template <class T>
std::optional<T> total(const Document& d, std::optional<T> Slice::* member) {
  std::optional<T> sum;
  for (const Slice& s : d.slices)
    if (s.*member) sum = sum.value_or(T{}) + *(s.*member);
  return sum;
}
template <class T>
std::optional<T> largest(const Document& d, std::optional<T> Slice::* member) {
  std::optional<T> most;
  for (const Slice& s : d.slices)
    if (s.*member) most = std::max(most.value_or(T{}), *(s.*member));
  return most;
}

std::string verdict(const Document& d) {
  if (d.verdict == "rejected")
    return fmt::format(
        R"(<div class="verdict trust"><strong>Rejected</strong><p>{}{}</p><p>Do not rely on the output below.</p></div>)",
        escape(d.reason), d.where.empty() ? "" : " (" + escape(d.where) + ")");
  if (d.verdict != "accepted")
    return R"(<div class="verdict checked"><strong>Not verified</strong><p>No verifier has checked this run yet; the last section says how to.</p></div>)";
  if (all_proved(d))
    return R"(<div class="verdict proof"><strong>Accepted, all of it proved</strong><p>Every part of this run is proved: the output is what this model, as )"
           "converted to integers, makes of this input.</p></div>";
  const bool held = std::any_of(d.slices.begin(), d.slices.end(),
                                [](const Slice& s) { return s.mode.starts_with("replicate(") || s.mode.starts_with("audit("); });
  if (held)
    return fmt::format(
        R"(<div class="verdict checked"><strong>Accepted, not all of it proved</strong><p>{}.</p><p>What that means, part by part, is said under "The )"
        R"(slices". The output is as sure as its weakest part.</p></div>)",
        escape(d.holding.empty() ? "Some parts are held by other workers' results or by audits" : d.holding));
  if (std::none_of(d.slices.begin(), d.slices.end(), [](const Slice& s) { return s.mode == "proof"; }))
    return R"(<div class="verdict trust"><strong>Accepted, nothing proved</strong><p>The certificate keeps its rules, but no part of the run is proved: the )"
           "output is the operator's word.</p></div>";
  return R"(<div class="verdict checked"><strong>Accepted, proved in part</strong><p>The proved parts are correct, and they fit together. The parts that are )"
         "not proved are the operator's word; the output depends on both.</p></div>";
}

std::string facts(const Document& d) {
  std::string out = R"(<ul class="facts">)";
  const auto fact = [&](const std::string& value, const std::string& name) {
    out += fmt::format("<li><b>{}</b><span>{}</span></li>", value, name);
  };
  for (const Output& o : d.outputs)
    if (!o.label.empty() || o.top)
      fact(escape(o.label.empty() ? std::to_string(*o.top) : o.label), "largest of output " + escape(o.name));
  if (d.coverage) fact(percent_text(share_of(d.coverage->macs_proved, d.coverage->macs)), "of the arithmetic proved");
  fact(seconds_text(total(d, &Slice::prove_s)), "to prove, all slices");
  fact(seconds_text(d.verify_s), "to verify");
  fact(bytes_text(d.certificate_bytes ? d.certificate_bytes : total(d, &Slice::proof_bytes)),
       d.certificate_bytes ? "certificate" : "of proofs");
  fact(bytes_text(largest(d, &Slice::peak_bytes)), "most memory");
  if (d.profile_bits != 0) fact(fmt::format("{} bits", d.profile_bits), "security of the proofs");
  if (!d.weights.empty()) fact(escape(d.weights), "weights");
  return out + "</ul>";
}

std::string coverage(const Document& d) {
  std::string out = "<h2>What is proved, and what is not</h2>";
  if (d.coverage) {
    const Coverage& c = *d.coverage;
    const double share = share_of(c.macs_proved, c.macs);
    out += fmt::format(R"(<div class="share">{}</div>)", bar(share, "proof"));
    out += fmt::format("<p><b>{} of {} slices</b>, {} of {} operators and <b>{}</b> of {} multiply-adds are proved.",
                       c.slices_proved, c.slices, c.operators_proved, c.operators, percent_text(share), count_text(c.macs));
    if (c.macs_cone != c.macs_proved)
      out += fmt::format(" Only {} of the multiply-adds are proved together with everything that they depend on.",
                         percent_text(share_of(c.macs_cone, c.macs)));
    out += "</p>";
  }
  out += "<ul>";
  if (!d.verdict.empty()) {
    out += d.model_pinned ? "<li>The model is the one that the verifier expected (its id was given).</li>"
                          : "<li><b>Model not pinned</b>: the verifier took the key as it came. Compare the model id below with "
                            "the one that you expect.</li>";
    out += d.fresh ? "<li>The certificate was made for the verifier's own fresh number, so it is no old answer.</li>"
                   : "<li><b>Freshness not checked</b>: this could be an old certificate for the same input.</li>";
  }
  for (const std::string& note : d.notes)
    if (!note.starts_with("model not pinned") && !note.starts_with("freshness not checked"))
      out += "<li>" + escape(note) + "</li>";
  return out + "</ul>";
}

/// "slice 3", "slices 0 to 2, 4 and 6"
std::string slice_list(const std::vector<std::uint32_t>& indices) {
  std::vector<std::string> runs;
  for (std::size_t i = 0; i < indices.size();) {
    std::size_t end = i + 1;
    while (end < indices.size() && indices[end] == indices[end - 1] + 1) ++end;
    if (end - i > 2) {
      runs.push_back(fmt::format("{} to {}", indices[i], indices[end - 1]));
    } else {
      for (std::size_t j = i; j < end; ++j) runs.push_back(std::to_string(indices[j]));
    }
    i = end;
  }
  std::string out = indices.size() == 1 ? "slice " : "slices ";
  for (std::size_t i = 0; i < runs.size(); ++i) out += (i == 0 ? "" : i + 1 == runs.size() ? " and " : ", ") + runs[i];
  return out;
}

/// One paragraph for each different guarantee, with the slices that have it.
std::string guarantees(const Document& d) {
  const std::vector<bool> grounded = ancestors_proved(d);
  std::vector<std::pair<std::string, std::vector<std::uint32_t>>> groups;  // mode tag and words -> slices, in order of appearance
  for (std::size_t i = 0; i < d.slices.size(); ++i) {
    const Slice& s = d.slices[i];
    const std::string words = tag(s.mode) + "|" +
                              escape(guarantee(s.mode, d.profile_bits, grounded[i], d.weights == "public",
                                               s.pending ? Draw::pending
                                               : s.drawn ? Draw::drawn
                                                         : Draw::not_drawn));
    const auto at = std::find_if(groups.begin(), groups.end(), [&](const auto& g) { return g.first == words; });
    if (at == groups.end())
      groups.emplace_back(words, std::vector{s.index});
    else
      at->second.push_back(s.index);
  }
  std::string out = "<ul>";
  for (const auto& [words, indices] : groups) {
    const std::size_t bar_at = words.rfind("</span>|") + 7;
    out += fmt::format("<li>{} <b>{}</b>: {}</li>", words.substr(0, bar_at), slice_list(indices), words.substr(bar_at + 1));
  }
  return out + "</ul>";
}

std::string slices(const Document& d) {
  std::string out = "<h2>The slices</h2>" + graph(d) + "<h3>What their modes guarantee</h3>" + guarantees(d);
  out +=
      R"(<div class="wide"><table><thead><tr><th>slice</th><th>operators</th><th class="n">multiply-adds</th><th class="n">lookups</th><th>mode</th></tr></thead><tbody>)";
  for (const Slice& s : d.slices)
    out += fmt::format(R"(<tr><td>{}</td><td>{}</td><td class="n">{}</td><td class="n">{}</td><td>{}</td></tr>)", s.index,
                       operators_text(s), count_text(s.macs), count_text(s.lookups), tag(s.mode));
  return out + "</tbody></table></div>";
}

/// Predicted and measured bars of one quantity, slice by slice; slices that are not proved cost nothing here unless all are asked
/// for.
template <class T>
std::string chart(const Document& d, const char* title, std::optional<T> Slice::* predicted, std::optional<T> Slice::* measured,
                  const std::function<std::string(const std::optional<T>&)>& text, bool all = false) {
  double most = 0;
  for (const Slice& s : d.slices)
    if (all || s.mode == "proof")
      most =
          std::max({most, static_cast<double>((s.*predicted).value_or(T{})), static_cast<double>((s.*measured).value_or(T{}))});
  if (most <= 0) return {};
  std::string out = fmt::format(R"(<h3>{}</h3><div class="bars">)", title);
  for (const Slice& s : d.slices) {
    if (!all && s.mode != "proof") continue;
    std::string name = fmt::format("slice {}", s.index);
    const auto row = [&](const std::optional<T>& value, const char* css, const char* word) {
      if (!value) return;
      out += fmt::format(R"(<span>{}</span>{}<span class="v" title="{}">{}</span>)", name,
                         bar(static_cast<double>(*value) / most, css), word, text(value));
      name.clear();
    };
    row(s.*measured, "measured", "measured");
    row(s.*predicted, "predicted", "predicted");
  }
  return out + "</div>";
}

std::string costs(const Document& d) {
  std::string charts = chart<double>(d, "Time to prove", &Slice::predicted_prove_s, &Slice::prove_s, seconds_text);
  charts += chart<std::uint64_t>(d, "Memory to prove, with the slices that were in work beside it, at most",
                                 &Slice::predicted_work_bytes, &Slice::work_bytes, bytes_text);
  const bool measured = std::any_of(d.slices.begin(), d.slices.end(), [](const Slice& s) { return s.work_bytes.has_value(); });
  if (!measured)
    charts +=
        chart<std::uint64_t>(d, "Memory of the process, at most", &Slice::predicted_peak_bytes, &Slice::peak_bytes, bytes_text);
  charts += chart<std::uint64_t>(d, "Size of the proof", &Slice::predicted_proof_bytes, &Slice::proof_bytes, bytes_text);
  const bool ran = std::any_of(d.slices.begin(), d.slices.end(), [](const Slice& s) { return s.run_s.has_value(); });
  if (ran) {
    charts += chart<double>(d, "Time to run and commit", &Slice::predicted_run_s, &Slice::run_s, seconds_text, true);
    charts += chart<std::uint64_t>(d, "Memory to run, at most", &Slice::predicted_run_bytes, &Slice::run_bytes, bytes_text, true);
  }
  std::string out = "<h2>Time, memory and size</h2>";
  if (!charts.empty())
    out +=
        R"(<p class="soft"><span class="key measured"></span> measured in this run &#160; <span class="key predicted"></span> predicted before it</p>)";
  out += charts;
  out += fmt::format(
      "<p>Running the model on integers took {}, committing to the tensors between slices {}, verifying the certificate {}.</p>",
      seconds_text(d.run_s), seconds_text(d.commit_s), seconds_text(d.verify_s));
  return out;
}

std::string unsliced(const Document& d) {
  if (!d.unsliced) return {};
  const Unsliced& u = *d.unsliced;
  std::string out = fmt::format(
      R"(<h2>Sliced and unsliced</h2><div class="wide"><table><thead><tr><th></th><th class="n">sliced (this run)</th><th class="n">one slice ({})</th></tr></thead><tbody>)",
      u.measured ? "measured" : "predicted");
  const auto row = [&](const char* name, const std::string& a, const std::string& b) {
    out += fmt::format(R"(<tr><td>{}</td><td class="n">{}</td><td class="n">{}</td></tr>)", name, a, b);
  };
  row("time to prove", seconds_text(total(d, &Slice::prove_s)), seconds_text(u.prove_s));
  row("most memory", bytes_text(largest(d, &Slice::peak_bytes)), bytes_text(u.peak_bytes));
  row("size of proofs", bytes_text(total(d, &Slice::proof_bytes)), bytes_text(u.proof_bytes));
  row("time to verify", seconds_text(d.verify_s), seconds_text(u.verify_s));
  return out + "</tbody></table></div>";
}

std::string outputs(const Document& d) {
  if (d.outputs.empty()) return {};
  std::string out = "<h2>The output</h2>";
  for (const Output& o : d.outputs) {
    out +=
        fmt::format("<p><b>{}</b>: {} values{}</p>", escape(o.name), o.values.size(),
                    o.top ? fmt::format(", the largest is number {}{}", *o.top,
                                        o.label.empty() || o.label == std::to_string(*o.top) ? "" : " (" + escape(o.label) + ")")
                          : "");
    std::vector<std::size_t> order(o.values.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    const std::size_t shown = std::min<std::size_t>(order.size(), 5);
    std::partial_sort(
        order.begin(), order.begin() + static_cast<std::ptrdiff_t>(shown), order.end(),
        [&](std::size_t a, std::size_t b) { return o.values[a] != o.values[b] ? o.values[a] > o.values[b] : a < b; });
    out += R"(<table><thead><tr><th>number</th><th class="n">value</th></tr></thead><tbody>)";
    for (std::size_t i = 0; i < shown; ++i)
      out += fmt::format(R"(<tr><td>{}</td><td class="n">{:.6g}</td></tr>)", order[i], o.values[order[i]]);
    out += "</tbody></table>";
    if (shown < o.values.size()) out += fmt::format(R"(<p class="soft">The five largest of {}.</p>)", o.values.size());
  }
  return out;
}

std::string fidelity(const Document& d) {
  std::string out =
      "<h2>Integers against float</h2><p>What is run and proved is the model in integers, a close copy of the float model. ";
  if (d.fidelity.empty()) return out + "How close was not measured.</p>";
  out += fmt::format("Measured on {} samples (calibration: {}):</p>", d.fidelity_samples,
                     d.calibration.empty() ? "not stated" : escape(d.calibration));
  out +=
      R"(<div class="wide"><table><thead><tr><th>output</th><th class="n">largest error</th><th class="n">mean error</th><th class="n">cosine</th><th class="n">same winner</th></tr></thead><tbody>)";
  for (const Fidelity& f : d.fidelity)
    out += fmt::format(
        R"(<tr><td>{}</td><td class="n">{:.3g}</td><td class="n">{:.3g}</td><td class="n">{:.6f}</td><td class="n">{}</td></tr>)",
        escape(f.output), f.max_abs_error, f.mean_abs_error, f.cosine, percent_text(f.top1_agreement));
  out += "</tbody></table></div>";
  if (d.saturated && *d.saturated != 0)
    out += fmt::format(
        "<p>In this run {} inner values were larger than the calibration foresaw and were clamped, as the integer model "
        "says.</p>",
        count_text(d.saturated));
  return out;
}

std::string recheck(const Document& d) {
  const std::string folder = d.folder.empty() ? std::string("RUN") : escape(d.folder);
  std::string out =
      "<h2>Check it again</h2><p>A verifier needs the key, the certificate, the input and the claimed output, and nothing "
      "else:</p><pre>";
  out += fmt::format("dsperse verify {0}/certificate.dscert --key {0}/model.dsk \\\n  --input INPUT --output {0}/output.json",
                     folder);
  if (!d.model_id.empty()) out += " \\\n  --model-id " + escape(d.model_id);
  out += " --nonce NONCE";
  if (!all_proved(d)) out += " --policy POLICY";
  out += "</pre><p>INPUT is the file that the model was given, NONCE the fresh number that the certificate was asked for with. ";
  if (!all_proved(d))
    out += "POLICY names the slices that must be proved; without it, all must be, and this certificate is rejected. ";
  out += "The first word of the answer is accepted or rejected; the exit code is 0 or 1.</p>";
  out += "<h2>What no certificate says</h2><ul><li>That the model is good: only that this model was run.</li>";
  out += "<li>That the float model gives the same numbers: see the table above for how close the integers are.</li>";
  out += "<li>Anything about a part that is not proved.</li></ul>";
  return out;
}

}  // namespace

std::string page(const Document& d) {
  const std::string title = d.model.empty() ? "dsperse run report" : escape(d.model) + ": dsperse run report";
  std::string out = fmt::format(
      R"(<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8" /><meta name="viewport" content="width=device-width, initial-scale=1" />
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'" />
<title>{}</title><style>{}</style></head><body>
<h1>{}</h1>
)",
      title, style(), title);
  for (const std::string& part :
       {verdict(d), facts(d), coverage(d), slices(d), costs(d), unsliced(d), outputs(d), fidelity(d), recheck(d)}) {
    out += part;
    out += '\n';
  }
  out += "<footer>";
  if (!d.model_id.empty()) out += "<p>model id <code>" + escape(d.model_id) + "</code></p>";
  if (!d.run_id.empty()) out += "<p>run id <code>" + escape(d.run_id) + "</code></p>";
  out +=
      "<p>Made from the measurements of the run itself. This page loads nothing and runs no script. It is the word of whoever "
      "made it: ";
  out += "to be sure, check the certificate yourself.</p></footer></body></html>\n";
  return out;
}

}  // namespace dsperse::report
