#include "valley/picture/table.h"

#include <gtest/gtest.h>

#include <stdexcept>

namespace valley::table_test {
namespace {

TEST(Table, AlignsItsColumns) {
  Table table({{"algorithm"}, {"accuracy", Table::Align::kRight}, {"note"}});
  table.add_row({"dppf", "87.90 \u00b1 0.1", "x"});
  table.add_row({"local-sgd and more", "7.1"});
  EXPECT_EQ(table.to_string(),
            "algorithm              accuracy  note\n"
            "------------------  -----------  ----\n"
            "dppf                87.90 \u00b1 0.1  x\n"
            "local-sgd and more          7.1\n");
}

TEST(Table, WithoutRowsIsAHeader) {
  EXPECT_EQ(Table({{"a"}, {"bc"}}).to_string(), "a  bc\n-  --\n");
}

TEST(Table, TooManyCellsAreABug) {
  Table table({{"a"}});
  EXPECT_THROW(table.add_row({"1", "2"}), std::logic_error);
}

}  // namespace
}  // namespace valley::table_test
