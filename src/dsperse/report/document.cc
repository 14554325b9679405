// The JSON document of a run, read without exceptions and with every type checked.
#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "dsperse/base/nesting.h"
#include "dsperse/report/report.h"

namespace dsperse::report {
namespace {

using Json = nlohmann::json;
constexpr std::size_t kMaxSlices = 4096;

/// One JSON object with its path; remembers the first wrong type.
class Reader {
 public:
  Reader(const Json& object, std::string path, std::string& error) : object_(object), path_(std::move(path)), error_(error) {}

  template <class T>
  void get(const char* name, T& out) const {
    if (const Json* j = find(name)) read(name, *j, out);
  }
  template <class T>
  void get(const char* name, std::optional<T>& out) const {
    if (const Json* j = find(name)) {
      T value{};
      read(name, *j, value);
      out = value;
    }
  }
  /// body(Reader) on the object `name`, if there is one.
  template <class F>
  void object(const char* name, F body) const {
    const Json* j = find(name);
    if (j == nullptr) return;
    if (!j->is_object()) return wrong(name, "an object");
    body(Reader(*j, path_ + name + ".", error_));
  }
  /// body(Reader) on each object of the list `name`.
  template <class F>
  void each(const char* name, F body) const {
    const Json* j = find(name);
    if (j == nullptr) return;
    if (!j->is_array()) return wrong(name, "a list");
    for (std::size_t i = 0; i < j->size(); ++i) {
      const std::string at = std::string(name) + "[" + std::to_string(i) + "]";
      if (!(*j)[i].is_object()) return wrong(at.c_str(), "an object");
      body(Reader((*j)[i], path_ + at + ".", error_));
    }
  }
  /// body(name, Reader) on each member of the object `name`.
  template <class F>
  void members(const char* name, F body) const {
    const Json* j = find(name);
    if (j == nullptr) return;
    if (!j->is_object()) return wrong(name, "an object");
    for (const auto& [key, value] : j->items()) {
      if (!value.is_object()) return wrong((std::string(name) + "." + key).c_str(), "an object");
      body(key, Reader(value, path_ + name + "." + key + ".", error_));
    }
  }

 private:
  [[nodiscard]] const Json* find(const char* name) const {
    const auto it = object_.find(name);
    return it == object_.end() || it->is_null() ? nullptr : &*it;
  }
  void wrong(const char* name, const char* wanted) const {
    if (error_.empty()) error_ = path_ + name + " is not " + wanted;
  }
  void read(const char* name, const Json& j, std::string& out) const {
    if (!j.is_string()) return wrong(name, "a text");
    out = j.get<std::string>();
  }
  void read(const char* name, const Json& j, bool& out) const {
    if (!j.is_boolean()) return wrong(name, "true or false");
    out = j.get<bool>();
  }
  void read(const char* name, const Json& j, double& out) const {
    if (!j.is_number() || !std::isfinite(j.get<double>())) return wrong(name, "a finite number");
    out = j.get<double>();
  }
  void read(const char* name, const Json& j, std::uint64_t& out) const {
    if (!j.is_number_unsigned()) return wrong(name, "a count");
    out = j.get<std::uint64_t>();
  }
  void read(const char* name, const Json& j, std::int64_t& out) const {
    if (!j.is_number_integer() || (j.is_number_unsigned() && j.get<std::uint64_t>() > kMaxSlices))
      return wrong(name, "a slice number");
    out = j.get<std::int64_t>();
  }
  template <class T>
  void read(const char* name, const Json& j, std::vector<T>& out) const {
    if (!j.is_array()) return wrong(name, "a list");
    out.clear();
    for (const Json& item : j) {
      T value{};
      read(name, item, value);
      out.push_back(std::move(value));
    }
  }

  const Json& object_;
  std::string path_;
  std::string& error_;
};

Slice& slice_at(Document& d, std::uint64_t index) {
  const auto at = std::find_if(d.slices.begin(), d.slices.end(), [&](const Slice& s) { return s.index == index; });
  if (at != d.slices.end()) return *at;
  d.slices.emplace_back().index = static_cast<std::uint32_t>(index);
  return d.slices.back();
}

/// Plan and measurement name a slice by its number; later values win, absent ones keep what was known.
void read_slice(const Reader& r, Document& d, std::string& error) {
  std::uint64_t index = kMaxSlices;
  r.get("slice", index);
  if (index >= kMaxSlices) {
    if (error.empty()) error = "a slice without a number below 4096";
    return;
  }
  Slice& s = slice_at(d, index);
  r.get("mode", s.mode);
  r.get("pending", s.pending);
  r.get("drawn", s.drawn);
  r.get("operators", s.operators);
  r.get("multiply_adds", s.macs);
  r.get("lookups", s.lookups);
  r.get("predicted_prove_s", s.predicted_prove_s);
  r.get("predicted_peak_bytes", s.predicted_peak_bytes);
  r.get("predicted_proof_bytes", s.predicted_proof_bytes);
  r.get("prove_s", s.prove_s);
  r.get("verify_s", s.verify_s);
  r.get("peak_rss_bytes", s.peak_bytes);
  r.get("proof_bytes", s.proof_bytes);
  r.get("work_bytes", s.work_bytes);
  r.get("predicted_work_bytes", s.predicted_work_bytes);
  r.get("run_s", s.run_s);
  r.get("predicted_run_s", s.predicted_run_s);
  r.get("run_bytes", s.run_bytes);
  r.get("predicted_run_bytes", s.predicted_run_bytes);
}

void read_plan(const Reader& plan, Document& d, std::string& error) {
  plan.get("calibration", d.calibration);
  plan.each("slices", [&](const Reader& r) { read_slice(r, d, error); });
  plan.each("edges", [&](const Reader& r) {
    Edge e;
    r.get("from", e.from);
    r.get("to", e.to);
    r.get("name", e.name);
    d.edges.push_back(std::move(e));
  });
  plan.object("fidelity", [&](const Reader& r) {
    r.get("samples", d.fidelity_samples);
    r.each("outputs", [&](const Reader& o) {
      Fidelity f;
      o.get("name", f.output);
      o.get("max_abs_error", f.max_abs_error);
      o.get("mean_abs_error", f.mean_abs_error);
      o.get("cosine", f.cosine);
      o.get("top1_agreement", f.top1_agreement);
      d.fidelity.push_back(std::move(f));
    });
  });
  plan.object("unsliced", [&](const Reader& r) {
    Unsliced u;
    r.get("prove_s", u.prove_s);
    r.get("verify_s", u.verify_s);
    r.get("peak_bytes", u.peak_bytes);
    r.get("proof_bytes", u.proof_bytes);
    r.get("measured", u.measured);
    d.unsliced = u;
  });
}

void read_coverage(const Reader& r, Document& d) {
  Coverage c;
  r.get("slices", c.slices);
  r.get("slices_proved", c.slices_proved);
  r.get("operators", c.operators);
  r.get("operators_proved", c.operators_proved);
  r.get("multiply_adds", c.macs);
  r.get("multiply_adds_proved", c.macs_proved);
  r.get("multiply_adds_with_ancestors_proved", c.macs_cone);
  d.coverage = c;
}

}  // namespace

Result<Document> parse_document(std::string_view json) {
  const bool shallow = nests_at_most({reinterpret_cast<const std::uint8_t*>(json.data()), json.size()});
  const Json root = shallow ? Json::parse(json, nullptr, false) : Json();
  if (!root.is_object())
    return fail(ErrorKind::bad_input, "no JSON object", "run document", "give the file that `dsperse full-run --json` wrote");
  Document d;
  std::string error;
  const Reader r(root, "", error);
  r.get("model", d.model);
  r.get("model_id", d.model_id);
  r.get("run_id", d.run_id);
  r.get("path", d.folder);
  std::uint64_t bits = 0;
  r.get("profile", bits);
  d.profile_bits = static_cast<unsigned>(std::min<std::uint64_t>(bits, 1000));
  r.get("weights", d.weights);
  r.get("verdict", d.verdict);
  r.get("reason", d.reason);
  r.get("where", d.where);
  r.get("model_pinned", d.model_pinned);
  r.get("freshness_checked", d.fresh);
  r.get("notes", d.notes);
  r.get("verify_s", d.verify_s);
  r.object("holding", [&](const Reader& holding) { holding.get("text", d.holding); });
  r.object("plan", [&](const Reader& plan) { read_plan(plan, d, error); });
  r.each("run_slices", [&](const Reader& s) { read_slice(s, d, error); });
  r.each("slices", [&](const Reader& s) { read_slice(s, d, error); });
  r.object("coverage", [&](const Reader& c) { read_coverage(c, d); });
  r.object("run", [&](const Reader& run) {
    run.get("run_s", d.run_s);
    run.get("commit_s", d.commit_s);
    run.get("saturated", d.saturated);
  });
  r.object("certificate", [&](const Reader& c) { c.get("bytes", d.certificate_bytes); });
  r.members("outputs", [&](const std::string& name, const Reader& o) {
    Output out;
    out.name = name;
    o.get("label", out.label);
    o.get("top1", out.top);
    o.get("values", out.values);
    d.outputs.push_back(std::move(out));
  });
  if (!error.empty())
    return fail(ErrorKind::bad_input, error, "run document", "give the file that `dsperse full-run --json` wrote");
  if (d.slices.empty())
    return fail(ErrorKind::bad_input, "names no slices", "run document", "give the file that `dsperse full-run --json` wrote");
  std::sort(d.slices.begin(), d.slices.end(), [](const Slice& a, const Slice& b) { return a.index < b.index; });
  return d;
}

}  // namespace dsperse::report
