// swift-tools-version: 6.2
import PackageDescription

let package = Package(
  name: "Consumer",
  dependencies: [.package(name: "rnw", path: "../..")],
  targets: [
    // Opens, lists, reads and maps: needs zlib and nothing else.
    .executableTarget(name: "Reader", dependencies: [.product(name: "RNW", package: "rnw")]),
    // Runs the network.
    .executableTarget(
      name: "Consumer",
      dependencies: [
        .product(name: "RNW", package: "rnw"), .product(name: "Inference", package: "rnw"),
      ]),
  ])
