#include "valley/picture/landscape_picture.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "valley/picture/svg.h"

namespace valley {
namespace {

constexpr double kMapSide = 420, kMapLeft = 66, kMapTop = 44, kMapBottom = 52, kMapScaleGap = 26,
                 kMapScaleWidth = 18, kMapScaleText = 62;
constexpr int kBands = 12, kFiner = 2;  // cells of the picture along one of the grid

using Grid = std::vector<std::vector<double>>;

// From low to high: dark blue over teal to pale yellow, rising in lightness.
std::string band_colour(double share) {
  constexpr std::array<std::array<double, 3>, 6> kStops = {{{38, 38, 92},
                                                            {36, 86, 142},
                                                            {32, 134, 140},
                                                            {72, 176, 118},
                                                            {168, 212, 96},
                                                            {250, 240, 170}}};
  const double place = std::clamp(share, 0.0, 1.0) * (kStops.size() - 1);
  const size_t below = std::min<size_t>(static_cast<size_t>(place), kStops.size() - 2);
  const double rest = place - static_cast<double>(below);
  std::array<int, 3> mixed{};
  for (size_t c = 0; c < 3; ++c) {
    mixed[c] = static_cast<int>(
        std::lround(kStops[below][c] + rest * (kStops[below + 1][c] - kStops[below][c])));
  }
  return fmt::format("#{:02x}{:02x}{:02x}", mixed[0], mixed[1], mixed[2]);
}

// Where the bands begin, in the scaled loss.
struct Levels {
  bool logarithmic = false;
  double low = 0, high = 1;

  double scale(double loss) const { return logarithmic ? std::log10(loss) : loss; }
  double at(int band) const { return low + (high - low) * band / kBands; }
  double unscaled(double value) const { return logarithmic ? std::pow(10, value) : value; }
};

Levels levels_of(const Grid& loss) {
  double low = std::numeric_limits<double>::infinity(), high = -low;
  for (const auto& row : loss) {
    for (const double value : row) {
      if (!std::isfinite(value)) continue;
      low = std::min(low, value);
      high = std::max(high, value);
    }
  }
  if (low > high) low = 0, high = 1;
  Levels levels{.logarithmic = low > 0 && high > 3 * low};
  levels.low = levels.scale(low);
  levels.high = levels.scale(high);
  if (levels.high - levels.low < 1e-12) levels.high = levels.low + 1;
  return levels;
}

// The grid with kFiner cells for one, bilinear between its points.
Grid refined(const Grid& coarse, const Levels& levels) {
  const size_t rows = coarse.size(), columns = coarse[0].size();
  Grid fine((rows - 1) * kFiner + 1, std::vector<double>((columns - 1) * kFiner + 1));
  for (size_t i = 0; i < fine.size(); ++i) {
    const size_t row = std::min(i / kFiner, rows - 2);
    const double v = double(i) / kFiner - double(row);
    for (size_t j = 0; j < fine[i].size(); ++j) {
      const size_t column = std::min(j / kFiner, columns - 2);
      const double u = double(j) / kFiner - double(column);
      const auto at = [&](size_t r, size_t c) { return levels.scale(coarse[r][c]); };
      // A weight of 0 must not make a number that is none count.
      const auto mix = [](double a, double b, double t) {
        return t == 0 ? a : t == 1 ? b : a + t * (b - a);
      };
      fine[i][j] = mix(mix(at(row, column), at(row, column + 1), u),
                       mix(at(row + 1, column), at(row + 1, column + 1), u), v);
    }
  }
  return fine;
}

struct Place {
  double x, y;
};

struct Box {
  double left, top, right, bottom;

  double overlap(const Box& other) const {
    const double w = std::min(right, other.right) - std::max(left, other.left);
    const double h = std::min(bottom, other.bottom) - std::max(top, other.top);
    return w > 0 && h > 0 ? w * h : 0;
  }
};

// A name beside its dot.
struct Label {
  double x, y;
  const char* anchor;
  Box box;
};

// Where it covers least of what is there, and of what is outside of the frame.
Label label_for(const std::string& name, double x, double y, const Box& frame,
                const std::vector<Box>& taken) {
  struct Side {
    double dx, dy;
    const char* anchor;
    double left;  // of the text, in its widths from x + dx
  };
  constexpr Side kSides[] = {{10, -5, "start", 0},     {-10, -5, "end", -1},
                             {10, 15, "start", 0},     {-10, 15, "end", -1},
                             {0, -12, "middle", -0.5}, {0, 22, "middle", -0.5}};
  const double width = 7.3 * static_cast<double>(name.size());
  Label best{};
  double least = std::numeric_limits<double>::infinity();
  for (const Side& side : kSides) {
    const double left = x + side.dx + side.left * width, base = y + side.dy;
    const Box box = {left, base - 10, left + width, base + 3};
    double covered = width * 13 - box.overlap(frame);
    for (const Box& other : taken) covered += box.overlap(other);
    if (covered < least - 1e-9) {
      least = covered;
      best = {x + side.dx, base, side.anchor, box};
    }
  }
  return best;
}

// The part of a cell where the scaled loss is at least `level`.
std::string part_above(const std::array<Place, 4>& corners, const std::array<double, 4>& values,
                       double level) {
  std::string path;
  const auto add = [&](Place p) {
    path += fmt::format("{}{:.1f} {:.1f}", path.empty() ? "M" : "L", p.x, p.y);
  };
  for (size_t i = 0; i < 4; ++i) {
    const size_t next = (i + 1) % 4;
    if (values[i] >= level) add(corners[i]);
    if ((values[i] >= level) == (values[next] >= level)) continue;
    const double t = (level - values[i]) / (values[next] - values[i]);
    add({corners[i].x + t * (corners[next].x - corners[i].x),
         corners[i].y + t * (corners[next].y - corners[i].y)});
  }
  return path.empty() ? path : path + "Z";
}

std::string draw_bands(const Grid& fine, const Levels& levels, double left, double top,
                       double width, double height) {
  const size_t rows = fine.size() - 1, columns = fine[0].size() - 1;
  const auto place = [&](size_t i, size_t j) {
    return Place{left + width * double(j) / double(columns),
                 top + height * (1 - double(i) / double(rows))};
  };
  std::string svg;
  for (int band = 0; band < kBands; ++band) {
    const double level = levels.at(band);
    std::string path;
    for (size_t i = 0; i < rows; ++i) {
      size_t run = columns;  // where a row of whole cells began
      const auto end_run = [&](size_t end) {
        if (run == columns) return;
        const Place from = place(i + 1, run), to = place(i, end);
        path +=
            fmt::format("M{:.1f} {:.1f}H{:.1f}V{:.1f}H{:.1f}Z", from.x, from.y, to.x, to.y, from.x);
        run = columns;
      };
      for (size_t j = 0; j < columns; ++j) {
        const std::array<double, 4> values = {fine[i][j], fine[i][j + 1], fine[i + 1][j + 1],
                                              fine[i + 1][j]};
        const bool known =
            std::all_of(values.begin(), values.end(), [](double v) { return std::isfinite(v); });
        if (known &&
            std::all_of(values.begin(), values.end(), [&](double v) { return v >= level; })) {
          if (run == columns) run = j;
          continue;
        }
        end_run(j);
        if (!known) continue;
        path += part_above({place(i, j), place(i, j + 1), place(i + 1, j + 1), place(i + 1, j)},
                           values, level);
      }
      end_run(columns);
    }
    if (path.empty()) continue;
    // A line of the same colour closes the seams between cells.
    const std::string colour = band_colour((band + 0.5) / kBands);
    svg += fmt::format("<path d=\"{0}\" fill=\"{1}\" stroke=\"{1}\" stroke-width=\".6\"/>\n", path,
                       colour);
  }
  return svg;
}

std::string draw_scale(const Levels& levels, double left, double top, double height) {
  std::string svg;
  for (int band = 0; band < kBands; ++band) {
    const double y = top + height * (1 - double(band + 1) / kBands);
    svg += fmt::format(
        "<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" fill=\"{}\"/>\n", left,
        y, kMapScaleWidth, height / kBands + 0.3, band_colour((band + 0.5) / kBands));
  }
  for (int band = 0; band <= kBands; band += 2) {
    svg += svg_text(left + kMapScaleWidth + 5, top + height * (1 - double(band) / kBands) + 4,
                    "start", fmt::format("{:.3g}", levels.unscaled(levels.at(band))));
  }
  return svg;
}

}  // namespace

std::string landscape_svg(const LandscapePicture& picture) {
  const double x_low = picture.x.front(), x_high = picture.x.back();
  const double y_low = picture.y.front(), y_high = picture.y.back();
  const double width = kMapSide, height = kMapSide;
  const double right = kMapLeft + width, bottom = kMapTop + height;
  const PictureAxis x_axis(x_low, x_high, kMapLeft, right, false, PictureAxis::Ends::kExact);
  const PictureAxis y_axis(y_low, y_high, bottom, kMapTop, false, PictureAxis::Ends::kExact);
  const Levels levels = levels_of(picture.loss);

  const double full_width = right + kMapScaleGap + kMapScaleWidth + kMapScaleText;
  std::string svg = svg_begin(full_width, bottom + kMapBottom);
  svg += svg_text((kMapLeft + right) / 2, 24, "middle", picture.title,
                  " font-size=\"15\" font-weight=\"bold\"");
  svg += draw_bands(refined(picture.loss, levels), levels, kMapLeft, kMapTop, width, height);
  for (const auto& [x, label] : x_axis.ticks()) {
    svg += fmt::format("<path d=\"M{:.1f} {:.1f}v5\" stroke=\"#666\"/>\n", x, bottom);
    svg += svg_text(x, bottom + 18, "middle", label);
  }
  for (const auto& [y, label] : y_axis.ticks()) {
    svg += fmt::format("<path d=\"M{:.1f} {:.1f}h-5\" stroke=\"#666\"/>\n", kMapLeft, y);
    svg += svg_text(kMapLeft - 8, y + 4, "end", label);
  }
  svg += fmt::format(
      "<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" fill=\"none\" "
      "stroke=\"#666\"/>\n",
      kMapLeft, kMapTop, width, height);
  svg += svg_text((kMapLeft + right) / 2, bottom + 40, "middle", picture.x_label);
  svg += svg_text(
      0, 0, "middle", picture.y_label,
      fmt::format(" transform=\"translate(16 {:.1f}) rotate(-90)\"", (kMapTop + bottom) / 2)
          .c_str());
  svg += draw_scale(levels, right + kMapScaleGap, kMapTop, height);
  svg += svg_text(right + kMapScaleGap, kMapTop - 14, "start",
                  levels.logarithmic ? "loss (log)" : "loss");

  std::vector<const LandscapePicture::Mark*> shown;
  std::vector<Box> taken;  // by dots, and by names once they have a place
  for (const auto& mark : picture.marks) {
    if (mark.x < x_low || mark.x > x_high || mark.y < y_low || mark.y > y_high) continue;
    shown.push_back(&mark);
    const double x = x_axis.pixel(mark.x), y = y_axis.pixel(mark.y);
    taken.push_back({x - 6, y - 6, x + 6, y + 6});
    const bool first = &mark == picture.marks.data();
    svg += fmt::format(
        "<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"{}\" fill=\"{}\" stroke=\"#fff\" "
        "stroke-width=\"1.6\"/>\n",
        x, y, first ? 6.5 : 5, first ? "#111" : "#d55e00");
  }
  const Box frame = {kMapLeft, kMapTop, right, bottom};
  for (const LandscapePicture::Mark* mark : shown) {
    const Label label =
        label_for(mark->name, x_axis.pixel(mark->x), y_axis.pixel(mark->y), frame, taken);
    taken.push_back(label.box);
    svg += svg_text(label.x, label.y, label.anchor, mark->name,
                    " stroke=\"#fff\" stroke-width=\"3\" paint-order=\"stroke\" "
                    "font-weight=\"bold\"");
  }
  return svg + "</svg>\n";
}

}  // namespace valley
