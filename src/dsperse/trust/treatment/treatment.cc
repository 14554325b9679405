#include "dsperse/trust/treatment/treatment.h"

#include <charconv>
#include <utility>
#include <vector>

#include "dsperse/trust/treatment/number.h"

namespace dsperse::trust {
namespace {

const char* const kHint =
    "write proof, trust, replicate(2), audit(0.05) or replicate(2, distinct=region)+audit(0.05, by=proof); "
    "docs/trust/economics.md";

std::string quoted(std::string_view text) { return "\"" + std::string(text) + "\""; }

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  return first == std::string_view::npos ? std::string_view() : text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

/// Parts between separators outside of parentheses. An unbalanced one stays in its part and is found there.
std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  int depth = 0;
  std::size_t begin = 0;
  for (std::size_t i = 0; i <= text.size(); ++i) {
    if (i < text.size() && text[i] == '(') ++depth;
    if (i < text.size() && text[i] == ')') --depth;
    if (i < text.size() && (text[i] != separator || depth > 0)) continue;
    parts.push_back(trimmed(text.substr(begin, i - begin)));
    begin = i + 1;
  }
  return parts;
}

template <class Number>
std::optional<Number> number(std::string_view text) {
  Number x{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), x);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return x;
}

/// "word(first, key=value)" taken apart.
struct Part {
  std::string_view word;
  bool has_arguments = false;
  std::string_view first, key, value;
};

Result<Part> take_apart(std::string_view text, std::string_view whole) {
  Part part;
  const std::size_t open = text.find('(');
  part.word = trimmed(text.substr(0, open));
  if (open == std::string_view::npos) return part;
  if (text.back() != ')')
    return fail(ErrorKind::usage, quoted(text) + " lacks its closing parenthesis at the end", std::string(whole), kHint);
  part.has_arguments = true;
  const auto arguments = split(text.substr(open + 1, text.size() - open - 2), ',');
  part.first = arguments[0];
  if (arguments.size() > 2)
    return fail(ErrorKind::usage, quoted(text) + " has more than two arguments", std::string(whole), kHint);
  if (arguments.size() == 2) {
    const std::size_t equals = arguments[1].find('=');
    part.key = trimmed(arguments[1].substr(0, equals));
    if (equals == std::string_view::npos || part.key.empty())
      return fail(ErrorKind::usage, "the second argument of " + quoted(text) + " is not of the form key=value",
                  std::string(whole), kHint);
    part.value = trimmed(arguments[1].substr(equals + 1));
  }
  return part;
}

Result<Replicate> read_replicate(const Part& part, std::string_view whole) {
  Replicate out;
  const auto k = number<std::uint32_t>(part.first);
  if (!k)
    return fail(ErrorKind::usage, "replicate needs a whole number of replicas, not " + quoted(part.first), std::string(whole),
                "write for example replicate(2)");
  out.k = *k;
  if (part.key.empty()) return out;
  for (const Distinct d : {Distinct::operators, Distinct::regions, Distinct::engines})
    if (part.key == "distinct" && part.value == to_text(d)) {
      out.distinct = d;
      return out;
    }
  return fail(ErrorKind::usage, "replicate does not know " + quoted(std::string(part.key) + "=" + std::string(part.value)),
              std::string(whole), "write distinct=operator, distinct=region or distinct=engine");
}

Result<Audit> read_audit(const Part& part, std::string_view whole) {
  Audit out;
  const auto p = number<double>(part.first);
  if (!p)
    return fail(ErrorKind::usage, "audit needs a rate, not " + quoted(part.first), std::string(whole),
                "write for example audit(0.05) for 5 %");
  out.p = *p;
  if (part.key.empty()) return out;
  if (part.key != "by" || (part.value != "reexec" && part.value != "proof"))
    return fail(ErrorKind::usage, "audit does not know " + quoted(std::string(part.key) + "=" + std::string(part.value)),
                std::string(whole), "write by=reexec or by=proof");
  out.by = part.value == "proof" ? AuditBy::proof : AuditBy::reexec;
  return out;
}

}  // namespace

std::string_view to_text(Distinct distinct) {
  switch (distinct) {
    case Distinct::operators:
      return "operator";
    case Distinct::regions:
      return "region";
    case Distinct::engines:
      return "engine";
  }
  std::unreachable();
}

Status check(const Treatment& t) {
  if (t.proof && (t.replicate || t.audit))
    return fail(ErrorKind::usage, "proof settles a slice; replicate or audit beside it adds nothing", to_text(t),
                "write proof alone, or leave proof out");
  if (t.replicate && (t.replicate->k < 2 || t.replicate->k > kMostReplicas))
    return fail(ErrorKind::usage,
                "replicate takes 2 to " + std::to_string(kMostReplicas) + " replicas, not " + std::to_string(t.replicate->k),
                to_text(t), "one replica is trust");
  if (t.audit && !(t.audit->p >= kLeastAuditRate && t.audit->p <= 1))
    return fail(ErrorKind::usage, "an audit rate lies between " + exact_text(kLeastAuditRate) + " and 1", to_text(t),
                "5 % is written 0.05; no audit at all is trust");
  return {};
}

Result<Treatment> parse_treatment(std::string_view text) {
  const std::string_view whole = trimmed(text);
  Treatment out;
  bool trust = false;
  const auto parts = split(whole, '+');
  for (const std::string_view piece : parts) {
    DSPERSE_TRY(const Part part, take_apart(piece, whole));
    const bool bare = part.word == "proof" || part.word == "trust";
    if (!bare && part.word != "replicate" && part.word != "audit")
      return fail(ErrorKind::usage, quoted(piece) + " is no treatment", std::string(whole), kHint);
    if (bare == part.has_arguments)
      return fail(ErrorKind::usage, quoted(part.word) + (bare ? " takes no arguments" : " needs its number in parentheses"),
                  std::string(whole), kHint);
    if ((part.word == "proof" && out.proof) || (part.word == "trust" && trust) || (part.word == "replicate" && out.replicate) ||
        (part.word == "audit" && out.audit))
      return fail(ErrorKind::usage, quoted(part.word) + " is there twice", std::string(whole), "write it once");
    if (part.word == "proof") out.proof = true;
    if (part.word == "trust") trust = true;
    if (part.word == "replicate") {
      DSPERSE_TRY(out.replicate, read_replicate(part, whole));
    }
    if (part.word == "audit") {
      DSPERSE_TRY(out.audit, read_audit(part, whole));
    }
  }
  if (trust && !out.is_trust())
    return fail(ErrorKind::usage, "trust means that nothing is done; it stands alone", std::string(whole), "leave trust out");
  DSPERSE_CHECK_OK(check(out));
  return out;
}

std::string to_text(const Treatment& t) {
  std::string text;
  const auto add = [&](const std::string& part) { text += (text.empty() ? "" : "+") + part; };
  if (t.proof) add("proof");
  if (t.replicate) {
    const bool usual = t.replicate->distinct == Distinct::operators;
    add("replicate(" + std::to_string(t.replicate->k) +
        (usual ? "" : ", distinct=" + std::string(to_text(t.replicate->distinct))) + ")");
  }
  if (t.audit) add("audit(" + exact_text(t.audit->p) + (t.audit->by == AuditBy::proof ? ", by=proof" : "") + ")");
  return text.empty() ? "trust" : text;
}

Guarantee guarantee(const Treatment& t) {
  if (t.proof)
    return {"the proof system is broken (2^-100 or 2^-128, by its profile)", "the right key; the hash",
            "a wrong model; neighbours that are not linked"};
  if (t.is_trust()) return {"the operator lies; the receipt says who", "the operator", "everything"};
  Guarantee out;
  if (t.replicate) {
    const std::string k = std::to_string(t.replicate->k), kind(to_text(t.replicate->distinct));
    out.wrong_only_if = "all " + k + " replicas collude (r^" + k + " at a share r of colluding " + kind + "s)";
    out.assumes = "one honest replica of " + k + "; " + kind + "s are drawn at random and are really different";
    out.fails_against = "Sybil identities";
    if (t.replicate->distinct != Distinct::operators) out.fails_against += "; one operator in several " + kind + "s";
  }
  if (t.audit) {
    const std::string missed = "not drawn (" + short_text(1 - t.audit->p) + "); where E1 holds, nobody rational tries";
    out.wrong_only_if += t.replicate ? ", and the result is " + missed : "the result is " + missed;
    const std::string assumes = t.audit->by == AuditBy::proof ? "; a prover is available" : "";
    out.assumes += (t.replicate ? "; " : "") + ("a rational worker with a real bond; an unpredictable draw" + assumes);
    out.fails_against += (t.replicate ? "; " : "") + std::string("a one-shot attacker whose gain is above the bond");
  }
  return out;
}

}  // namespace dsperse::trust
