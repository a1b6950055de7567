// swift-tools-version: 6.2
import PackageDescription

// A package of its own: what only measures is no dependency of those who use rnw.
let package = Package(
  name: "rnw-benchmarks",
  dependencies: [
    .package(name: "rnw", path: ".."),
    .package(url: "https://github.com/ordo-one/benchmark", from: "1.38.1", traits: []),
  ],
  targets: [
    // The networks that are measured.
    .target(
      name: "Subjects", dependencies: [.product(name: "Networks", package: "rnw")]),
    // swift package benchmark
    .executableTarget(
      name: "Forward",
      dependencies: [
        "Subjects", .product(name: "Networks", package: "rnw"),
        .product(name: "Benchmark", package: "benchmark"),
      ],
      path: "Benchmarks/Forward",
      plugins: [.plugin(name: "BenchmarkPlugin", package: "benchmark")]),
    // swift run -c release Neighbours
    .executableTarget(
      name: "Neighbours",
      dependencies: ["Subjects", .product(name: "Networks", package: "rnw")]),
  ],
  swiftLanguageModes: [.v6]
)
