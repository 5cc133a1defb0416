#include "valley/analysis/plane.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <cmath>

#include "valley/core/error.h"
#include "valley/core/testing/test_folder.h"
#include "valley/testing/normals.h"

namespace valley::plane_test {
namespace {

constexpr int64_t kSize = 50;

std::vector<at::Tensor> some_workers(int count) {
  std::vector<at::Tensor> workers;
  for (int m = 0; m < count; ++m) {
    workers.push_back(normals({kSize}, 100) + 0.1 * normals({kSize}, uint64_t(m)));
  }
  return workers;
}

at::Tensor mean(const std::vector<at::Tensor>& workers) {
  at::Tensor sum = at::zeros({kSize}, at::kDouble);
  for (const auto& x : workers) sum += x;
  return sum / double(workers.size());
}

double distance(const at::Tensor& a, const at::Tensor& b) { return (a - b).norm().item<double>(); }

void expect_orthonormal(const Plane& plane) {
  EXPECT_NEAR(plane.first.norm().item<double>(), 1, 1e-12);
  EXPECT_NEAR(plane.second.norm().item<double>(), 1, 1e-12);
  EXPECT_NEAR(plane.first.dot(plane.second).item<double>(), 0, 1e-12);
}

double distance(const PlaneCoordinates& a, const PlaneCoordinates& b) {
  return std::hypot(a.x - b.x, a.y - b.y);
}

TEST(Plane, ThroughTheAverageKeepsTheDistancesOfTheThree) {
  const auto workers = some_workers(4);
  const at::Tensor average = mean(workers);
  const Plane plane = plane_through_average(average, workers, 1, 3);
  expect_orthonormal(plane);
  const auto a = coordinates(plane, workers[1]), b = coordinates(plane, workers[3]),
             o = coordinates(plane, average);
  for (const auto& c : {a, b, o}) EXPECT_NEAR(c.off_plane, 0, 1e-12);
  EXPECT_NEAR(distance(a, b), distance(workers[1], workers[3]), 1e-12);
  EXPECT_NEAR(distance(a, o), distance(workers[1], average), 1e-12);
  EXPECT_NEAR(distance(b, o), distance(workers[3], average), 1e-12);
  EXPECT_NEAR(distance(plane.at(b.x, b.y), workers[3]), 0, 1e-12);
  // Who is not in the plane: Pythagoras.
  const auto c = coordinates(plane, workers[0]);
  EXPECT_GT(c.off_plane, 0.1);
  EXPECT_NEAR(std::hypot(distance(c, o), c.off_plane), distance(workers[0], average), 1e-12);
}

TEST(Plane, ThroughThreeWorkersHoldsThem) {
  const auto workers = some_workers(5);
  const Plane plane = plane_through_workers(workers, 0, 2, 4);
  expect_orthonormal(plane);
  for (const int a : {0, 2, 4}) {
    const auto at_a = coordinates(plane, workers[size_t(a)]);
    EXPECT_NEAR(at_a.off_plane, 0, 1e-12);
    for (const int b : {0, 2, 4}) {
      EXPECT_NEAR(distance(at_a, coordinates(plane, workers[size_t(b)])),
                  distance(workers[size_t(a)], workers[size_t(b)]), 1e-12);
    }
  }
}

// Spread of variance 9 : 4 : small along three axes.
TEST(Plane, OfSpreadFindsTheWidestDirections) {
  at::Tensor far = at::zeros({kSize}, at::kDouble), near = far.clone(), tiny = far.clone();
  far[7] = 3;
  near[11] = 2;
  tiny[20] = 0.1;
  const at::Tensor o = normals({kSize}, 5);
  const std::vector<at::Tensor> workers = {o + far + tiny, o - far + tiny, o + near - tiny,
                                           o - near - tiny};
  const Plane plane = plane_of_spread(mean(workers), workers, 1);
  expect_orthonormal(plane);
  EXPECT_NEAR(std::abs(plane.first[7].item<double>()), 1, 1e-12);
  EXPECT_NEAR(std::abs(plane.second[11].item<double>()), 1, 1e-12);
  EXPECT_EQ(plane.axes[0], "first component of the workers' spread (69 %)");
  EXPECT_EQ(plane.axes[1], "second component of the workers' spread (31 %)");
  const auto a = coordinates(plane, workers[0]);
  EXPECT_NEAR(std::abs(a.x), 3, 1e-12);
  EXPECT_NEAR(a.y, 0, 1e-12);
  EXPECT_NEAR(a.off_plane, 0.1, 1e-12);
}

TEST(Plane, OfTwoWorkersHasARandomSecondAxis) {
  const auto workers = some_workers(2);
  const Plane plane = plane_of_spread(mean(workers), workers, 1);
  expect_orthonormal(plane);
  EXPECT_EQ(plane.axes[1], "a random direction");
  const auto a = coordinates(plane, workers[0]);
  EXPECT_NEAR(a.off_plane, 0, 1e-9);
  EXPECT_NEAR(std::abs(a.x), distance(workers[0], workers[1]) / 2, 1e-9);
  EXPECT_TRUE(plane.second.equal(plane_of_spread(mean(workers), workers, 1).second));
  EXPECT_FALSE(plane.second.equal(plane_of_spread(mean(workers), workers, 2).second));
}

TEST(Plane, RandomDirectionsHaveTheFiltersLengths) {
  const at::Tensor x = normals({26}, 3);
  const std::vector<NamedRange> ranges = {
      {"w", 0, 12, {3, 4}}, {"b", 12, 6, {6}}, {"conv", 18, 8, {2, 2, 2}}};
  const Plane plane = random_plane(x, ranges, 4);
  for (const at::Tensor& d : {plane.first, plane.second}) {
    for (int64_t row = 0; row < 3; ++row) {
      EXPECT_NEAR(d.narrow(0, 4 * row, 4).norm().item<double>(),
                  x.narrow(0, 4 * row, 4).norm().item<double>(), 1e-12);
    }
    EXPECT_EQ(d.narrow(0, 12, 6).abs().max().item<double>(), 0);
    EXPECT_NEAR(d.narrow(0, 22, 4).norm().item<double>(), x.narrow(0, 22, 4).norm().item<double>(),
                1e-12);
  }
  // Axes that are neither of length 1 nor at a right angle.
  const auto c = coordinates(plane, plane.at(0.3, -0.7));
  EXPECT_NEAR(c.x, 0.3, 1e-12);
  EXPECT_NEAR(c.y, -0.7, 1e-12);
  EXPECT_NEAR(c.off_plane, 0, 1e-12);
}

// Parameters without values, of one value, of no dimension.
TEST(Plane, RandomDirectionsTakeEveryShape) {
  const at::Tensor x = normals({8}, 3);
  const std::vector<NamedRange> ranges = {{"empty", 0, 0, {0, 4}}, {"none", 0, 0, {3, 0}},
                                          {"one", 0, 1, {1, 1}},   {"scalar", 1, 1, {}},
                                          {"w", 2, 6, {2, 3}},     {"nothing", 8, 0, {0}}};
  const Plane plane = random_plane(x, ranges, 4);
  for (const at::Tensor& d : {plane.first, plane.second}) {
    EXPECT_NEAR(std::abs(d[0].item<double>()), std::abs(x[0].item<double>()), 1e-12);
    EXPECT_EQ(d[1].item<double>(), 0);
    EXPECT_NEAR(d.narrow(0, 5, 3).norm().item<double>(), x.narrow(0, 5, 3).norm().item<double>(),
                1e-12);
  }
  EXPECT_NEAR(coordinates(plane, plane.at(0.3, -0.7)).y, -0.7, 1e-12);
}

TEST(Plane, ErrorsSayWhatIsWrong) {
  const auto workers = some_workers(3);
  const std::vector<at::Tensor> two(workers.begin(), workers.begin() + 2), same(3, workers[0]);
  const auto error = [](const auto& f) { return error_of<UsageError>(f); };
  EXPECT_EQ(error([&] { plane_through_average(mean(two), two, 0, 1); }),
            "the average and workers 0 and 1 lie in one line: no plane");
  EXPECT_EQ(error([&] { plane_through_average(mean(workers), workers, 0, 3); }),
            "there is no worker 3: they are 0 to 2");
  EXPECT_EQ(error([&] { plane_through_workers(same, 0, 1, 2); }),
            "workers 0, 1 and 2 lie in one point: no plane");
  EXPECT_EQ(error([&] { plane_of_spread(mean(same), same, 0); }),
            "the workers are all in one place: no spread");
  EXPECT_EQ(error([&] { plane_of_spread(same[0], {same[0]}, 0); }),
            "the workers' spread needs at least two workers, got 1");
  const at::Tensor one = normals({1}, 3);
  EXPECT_EQ(error([&] {
              plane_of_spread(one, {one - 1, one + 1}, 0);
            }),
            "a plane needs two directions, the model has one weight");
  EXPECT_EQ(error([&] {
              random_plane(one, {{"w", 0, 1, {1, 1}}}, 0);
            }),
            "the model's filters are too few and small for two random directions");
  EXPECT_EQ(error([&] {
              random_plane(one, {{"b", 0, 1, {1}}}, 0);
            }),
            "a random plane needs filters: weights of two dimensions or more that are not 0");
}

}  // namespace
}  // namespace valley::plane_test
