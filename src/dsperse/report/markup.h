// Small pieces of the page: escaped text, numbers with units, bars, the graph of slices. Used by page.cc alone.
//
// Tested by report/page_test.cc.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "dsperse/report/report.h"

namespace dsperse::report {

/// For text and double-quoted attributes; control characters become U+FFFD, invalid UTF-8 too.
std::string escape(std::string_view text);

/// "12 ms", "3.4 s", "2 min 5 s"; "-" when absent.
std::string seconds_text(const std::optional<double>& seconds);
/// "812 B", "34 kB", "1.2 MB", "3.4 GB" (powers of ten); "-" when absent.
std::string bytes_text(const std::optional<std::uint64_t>& bytes);
/// "950", "62.1 k", "15.2 M", "1.8 G"; "-" when absent.
std::string count_text(const std::optional<std::uint64_t>& count);
/// "100 %", "99.9 %"; never rounds up to 100 or down to 0.
std::string percent_text(double share);

/// proof, trust, checked (replicate, audit): the CSS class that colours a mode.
std::string mode_class(std::string_view mode);

/// A bar of `share` in [0, 1] of the full width, with the class that colours it.
std::string bar(double share, std::string_view css_class);

/// The slices from input to output as an inline SVG, coloured by mode.
std::string graph(const Document& document);

/// The style sheet.
std::string_view style();

}  // namespace dsperse::report
