#pragma once

#include <string_view>

/// The files a page is made of, which the build puts into the program
/// (valley/report/CMakeLists.txt).
namespace valley {

std::string_view page_html();
std::string_view page_css();
std::string_view page_js();

/// Plotly.js, minified; empty if it was not there when the program was built.
std::string_view plotly_js();

}  // namespace valley
