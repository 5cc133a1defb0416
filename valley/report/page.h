#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "valley/report/report_run.h"

namespace valley {

struct PageOptions {
  std::string title = {};          ///< "" names what was compared
  std::vector<Json> studies = {};  ///< see study_of()
  std::vector<std::string> damages =
      {};  ///< files of no single run that were left out, in sentences
};

/// Whether this program was built with Plotly.js in it; without, there are no pages.
bool has_plotly();

/// The report as one HTML file that needs nothing else: styles, script, Plotly.js and data are in
/// it. Same runs, same bytes.
/// @throws UsageError if the program was built without Plotly.js.
std::string report_page(const std::vector<ReportRun>& runs, const PageOptions& options = {});

/// What the page's script reads: title, headline, cautions, groups and runs.
Json report_data(const std::vector<ReportRun>& runs, const PageOptions& options = {});

/// For HTML text and attributes in double quotes.
std::string escape_html(std::string_view text);

/// JSON that may stand inside <script>: no "<" is left that could end it.
std::string script_json(const Json& value);

/// `page` with every "@NAME@" replaced, in one pass: what is put in is not searched again.
/// @throws std::logic_error if a name is not known.
std::string fill_in(std::string_view page,
                    const std::vector<std::pair<std::string_view, std::string_view>>& parts);

}  // namespace valley
