#include <gtest/gtest.h>

#include "dsperse/report/markup.h"

namespace dsperse::report {
namespace {

bool has(const std::string& html, const char* text) { return html.find(text) != std::string::npos; }

constexpr const char* kHostile = "</title></style><script>alert(1)</script>\"'&<img src=x onerror=y>\x01\xff";

/// Every string member holds `text`.
Document document_with(const std::string& text) {
  Document d;
  d.weights = d.model = d.model_id = d.run_id = d.calibration = d.folder = d.reason = d.where = text;
  d.profile_bits = 100;
  d.verdict = "rejected";
  d.notes = {text};
  d.coverage = Coverage{3, 2, 6, 5, 1000, 900, 800};
  for (std::uint32_t i = 0; i < 3; ++i) {
    Slice& s = d.slices.emplace_back();
    s.index = i;
    s.mode = i == 1 ? text : "proof";
    s.operators = {text, "relu"};
    s.macs = 100 * i;
    s.predicted_prove_s = s.prove_s = 0.25 * (i + 1);
    s.peak_bytes = s.predicted_peak_bytes = 1000000 * (i + 1);
    s.proof_bytes = s.predicted_proof_bytes = 2000;
  }
  d.edges = {{0, 1, text}, {0, 2, text}};
  d.outputs = {{text, text, 1, {0.5, 2.5}}};
  d.fidelity_samples = 4;
  d.fidelity = {{text, 0.1, 0.01, 0.999, 1}};
  d.unsliced = Unsliced{1.0, 0.1, 5000000, 9000, false};
  d.run_s = d.commit_s = d.verify_s = 0.01;
  d.saturated = 7;
  return d;
}

/// Name of the tag or text at which the nesting breaks, or empty: a strict reader of the markup that page() writes.
std::string first_fault(const std::string& html) {
  std::vector<std::string> open;
  std::size_t at = html.find('>') + 1;  // after the doctype
  while ((at = html.find('<', at)) != std::string::npos) {
    const std::size_t end = html.find('>', at);
    if (end == std::string::npos) return "unclosed <";
    const std::string tag = html.substr(at + 1, end - at - 1);
    if (tag.find('<') != std::string::npos) return tag;
    if (tag[0] == '/') {
      if (open.empty() || open.back() != tag.substr(1)) return tag;
      open.pop_back();
    } else if (tag.back() != '/') {
      std::size_t quotes = 0;
      for (const char c : tag) quotes += c == '"' ? 1 : 0;
      if (quotes % 2 != 0) return tag;
      open.push_back(tag.substr(0, tag.find(' ')));
      if (open.back() == "style") at = html.find("</style>", end) - 1;
    }
    at = std::max(at, end) + 1;
  }
  return open.empty() ? "" : "never closed: " + open.back();
}

TEST(Page, IsWellFormedAndHasEverySection) {
  const std::string html = page(document_with("plain"));
  EXPECT_EQ(first_fault(html), "");
  for (const char* part : {"Rejected", "What is proved", "The slices", "Time, memory and size", "Sliced and unsliced",
                           "The output", "Integers against float", "Check it again"})
    EXPECT_TRUE(has(html, part));
  EXPECT_EQ(html, page(document_with("plain")));
}

TEST(Page, EscapesEveryString) {
  const std::string html = page(document_with(kHostile));
  EXPECT_EQ(first_fault(html), "");
  EXPECT_FALSE(has(html, "<script"));
  EXPECT_FALSE(has(html, "<img"));
  EXPECT_FALSE(has(html, "\x01"));
  EXPECT_FALSE(has(html, "\xff"));
  EXPECT_TRUE(has(html, "&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;"));
}

TEST(Page, LoadsNothing) {
  const std::string html = page(document_with("plain"));
  for (const char* outside : {"http:", "https:", "src=", "href=", "url(", "@import", "<script", "<link", "<iframe", "<form"})
    EXPECT_FALSE(has(html, outside));
  EXPECT_TRUE(has(html, "default-src 'none'"));
}

TEST(Page, SaysWhatHoldsPartsWithoutProof) {
  Document d = document_with("plain");
  d.verdict = "accepted";
  d.slices[1].mode = "replicate(2)+audit(0.5)";
  d.slices[1].drawn = true;
  EXPECT_TRUE(has(page(d), "Accepted, not all of it proved"));
  EXPECT_TRUE(has(page(d), "held by other workers"));
  EXPECT_TRUE(has(page(d), "and found right"));
  d.holding = "2 slices proved, 1 replicated; weakest: <slice 1>";
  EXPECT_TRUE(has(page(d), "2 slices proved, 1 replicated; weakest: &lt;slice 1&gt;"));
  EXPECT_EQ(first_fault(page(d)), "");
  d.slices[1].drawn = false, d.slices[1].pending = true;
  EXPECT_TRUE(has(page(d), "until then nothing holds it"));
  d.verdict = "rejected";
  EXPECT_FALSE(has(page(d), "held by other workers"));
}

TEST(Page, AcceptedSaysAllOnlyWhenAllIsProved) {
  Document d = document_with("plain");
  d.verdict = "accepted";
  EXPECT_FALSE(has(page(d), "Every part of this run is proved"));
  EXPECT_TRUE(has(page(d), "Accepted, proved in part"));
  EXPECT_TRUE(has(page(d), "--policy POLICY"));
  EXPECT_TRUE(has(page(d), "<b>slices 0 and 2</b>"));
  EXPECT_TRUE(has(page(d), "Model not pinned"));
  EXPECT_TRUE(has(page(d), "Freshness not checked"));
  d.slices[1].mode = "proof";
  d.fresh = d.model_pinned = true;
  EXPECT_TRUE(has(page(d), "Every part of this run is proved"));
  EXPECT_FALSE(has(page(d), "not pinned"));
  EXPECT_FALSE(has(page(d), "--policy"));
  EXPECT_TRUE(has(page(d), "<b>slices 0 to 2</b>"));
  for (Slice& s : d.slices) s.mode = "trust";
  EXPECT_TRUE(has(page(d), "Accepted, nothing proved"));
}

TEST(Page, AbsentFactsAreLeftOutNotMadeUp) {
  Document d;
  d.slices.emplace_back().mode = "trust";
  const std::string html = page(d);
  EXPECT_EQ(first_fault(html), "");
  EXPECT_TRUE(has(html, "Not verified"));
  EXPECT_TRUE(has(html, "was not measured"));
  EXPECT_FALSE(has(html, "Time to prove"));
}

TEST(Markup, Numbers) {
  EXPECT_EQ(seconds_text(0.0012), "1.2 ms");
  EXPECT_EQ(seconds_text(0.25), "250 ms");
  EXPECT_EQ(seconds_text(3.44), "3.4 s");
  EXPECT_EQ(seconds_text(125.4), "2 min 5 s");
  EXPECT_EQ(seconds_text(std::nullopt), "-");
  EXPECT_EQ(bytes_text(812), "812 B");
  EXPECT_EQ(bytes_text(1'234'567), "1.2 MB");
  EXPECT_EQ(count_text(61706), "61.7 k");
  EXPECT_EQ(percent_text(1), "100 %");
  EXPECT_EQ(percent_text(0.99999), "99.9 %");
  EXPECT_EQ(percent_text(0.000001), "0.1 %");
}

TEST(Markup, EscapeKeepsUtf8AndReplacesTheRest) {
  EXPECT_EQ(escape("na\u00efve \u2026 \U0001F600"), "na\u00efve \u2026 \U0001F600");
  EXPECT_EQ(escape("a\xc3"), "a\uFFFD");
  EXPECT_EQ(escape("\xed\xa0\x80"), "\uFFFD\uFFFD\uFFFD");  // a surrogate is no character
  EXPECT_EQ(escape(std::string_view("\0", 1)), "\uFFFD");
}

}  // namespace
}  // namespace dsperse::report
