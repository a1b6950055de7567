// swift-tools-version: 6.2
import PackageDescription

let package = Package(
  name: "Consumer",
  dependencies: [.package(name: "rnw", path: "../..")],
  targets: [
    // Loads, runs, compares: ten lines.
    .executableTarget(
      name: "LoadRunCompare", dependencies: [.product(name: "Networks", package: "rnw")]),
    // Judged by `rnw verify --runtime`: an engine in Swift.
    .executableTarget(
      name: "RuntimeAdapter", dependencies: [.product(name: "Networks", package: "rnw")]),
    // Opens, lists, reads and maps a .rnw: needs zlib and nothing else.
    .executableTarget(name: "Reader", dependencies: [.product(name: "RNW", package: "rnw")]),
    // What the reader in Swift finds in many files, beside those in other languages: Scripts/check-readers.
    .executableTarget(name: "Digests", dependencies: [.product(name: "RNW", package: "rnw")]),
    // Reads weights from any container.
    .executableTarget(
      name: "Weights", dependencies: [.product(name: "WeightSources", package: "rnw")]),
  ])
