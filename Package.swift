// swift-tools-version: 6.2
import PackageDescription

/// Settings of every Swift target: warnings are errors, imports are explicit, existentials are marked.
let strict: [SwiftSetting] = [
  .treatAllWarnings(as: .error),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("InternalImportsByDefault"),
]

/// The kernels are one set of sources, compiled once per instruction set and chosen at run time.
///
/// They are optimised in debug builds too: unoptimised SIMD code is hundreds of times slower.
/// On other architectures than x86-64 all three are the portable kernels, and only the first is ever chosen.
func kernels(_ name: String, define: String, clangFlags: [String] = []) -> Target {
  #if arch(x86_64)
    let (define, clangFlags) = (define, clangFlags)
  #else
    let (define, clangFlags) = ("BASELINE", [String]())
  #endif
  return .target(
    name: name,
    dependencies: ["CKernelSupport", "KernelSet"],
    swiftSettings: strict + [
      .define(define), .unsafeFlags(["-O"] + clangFlags.flatMap { ["-Xcc", $0] }),
    ])
}

/// Rooms that work on all values of a network are optimised in debug builds too: so their tests take half
/// the time.
let optimized = strict + [.unsafeFlags(["-O"])]

/// What is there only where images are read.
func withImages(_ targets: String...) -> [Target.Dependency] {
  targets.map { .target(name: $0, condition: .when(traits: ["Images"])) }
}

/// The tests of a room, and what else they import.
func tests(
  _ room: String, of others: Target.Dependency..., golden: [String] = []
) -> Target {
  .testTarget(
    name: "\(room)Tests", dependencies: [.target(name: room), "TestSupport"] + others,
    exclude: golden, swiftSettings: strict)
}

let package = Package(
  name: "rnw",
  products: [
    .executable(name: "rnw", targets: ["rnw"]),
    .executable(name: "rnw-hdf5", targets: ["rnw-hdf5"]),
    .library(name: "RNW", targets: ["RNW", "Files", "Tensors"]),
    .library(name: "WeightSources", targets: ["WeightSources", "Files", "Tensors"]),
    .library(
      name: "Networks", targets: ["Networks", "Inference", "ResNetV2", "RNW", "Files", "Tensors"]),
    .library(name: "rnw-c", type: .static, targets: ["RNWForC"]),
  ],
  traits: [
    .trait(name: "Images", description: "Reads PNG and JPEG images, by libpng and libjpeg-turbo."),
    .default(enabledTraits: ["Images"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
    .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2", traits: []),
  ],
  targets: [
    // The rooms, in the order in which data passes through them; arrows point to earlier ones only.
    .systemLibrary(
      name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"]), .brew(["zlib"])]),
    .systemLibrary(
      name: "CHDF5", pkgConfig: "hdf5", providers: [.apt(["libhdf5-dev"]), .brew(["hdf5"])]),
    .systemLibrary(
      name: "CPNG", pkgConfig: "libpng", providers: [.apt(["libpng-dev"]), .brew(["libpng"])]),
    .systemLibrary(
      name: "CJPEG", pkgConfig: "libjpeg",
      providers: [.apt(["libjpeg-dev"]), .brew(["jpeg-turbo"])]
    ),
    .target(
      name: "CImages", dependencies: withImages("CPNG", "CJPEG"),
      cSettings: [.define("RNW_IMAGES", .when(traits: ["Images"]))]),
    .target(name: "CKernelSupport"),
    .target(name: "CChecksum"),
    .target(name: "CPlanes"),
    .target(name: "CFingerprints"),
    .target(name: "KernelSet", dependencies: ["CKernelSupport"], swiftSettings: strict),
    kernels("KernelsBaseline", define: "BASELINE"),
    kernels("KernelsAVX2", define: "AVX2", clangFlags: ["-march=x86-64-v3", "-mprfchw"]),
    kernels(
      "KernelsAVX512", define: "AVX512",
      clangFlags: ["-march=x86-64-v4", "-mprfchw", "-mprefer-vector-width=512"]),
    .target(name: "CFiles"),
    .target(name: "Plain", swiftSettings: strict),
    .target(
      name: "Pages", dependencies: [.product(name: "Crypto", package: "swift-crypto")],
      swiftSettings: strict),
    .target(name: "Files", dependencies: ["Plain", "CFiles"], swiftSettings: strict),
    .target(name: "Threads", swiftSettings: strict),
    .target(name: "CProcesses"),
    .target(
      name: "Processes", dependencies: ["CProcesses", "Files", "Plain"], swiftSettings: strict),
    .target(name: "Tensors", dependencies: ["Files"], swiftSettings: strict),
    .target(
      name: "SourceGraph", dependencies: ["Plain", "Files", "Tensors"], swiftSettings: strict),
    .target(
      name: "Safetensors", dependencies: ["Plain", "Files", "Tensors"], swiftSettings: strict),
    .target(
      name: "RNW",
      dependencies: [
        "Plain", "Files", "Threads", "Tensors", "Safetensors", "CChecksum", "CFingerprints",
        "CPlanes", "CZlib",
      ], swiftSettings: strict),
    .target(name: "ResNetV2", dependencies: ["Tensors"], swiftSettings: strict),
    .executableTarget(name: "rnw-hdf5", dependencies: ["CHDF5"]),
    .target(
      name: "WeightSources",
      dependencies: [
        "Plain", "Files", "Processes", "Tensors", "Safetensors", "RNW", "SourceGraph", "CZlib",
      ], swiftSettings: strict),
    .target(
      name: "Families",
      dependencies: ["Plain", "Files", "Threads", "Tensors", "ResNetV2", "SourceGraph"],
      swiftSettings: strict),
    .target(
      name: "Images", dependencies: ["Files", "Tensors", "Families"] + withImages("CImages"),
      swiftSettings: strict),
    .target(
      name: "Inference",
      dependencies: [
        "Plain", "Files", "Threads", "Tensors", "RNW", "ResNetV2", "SourceGraph", "CKernelSupport",
        "KernelSet", "KernelsBaseline", "KernelsAVX2", "KernelsAVX512",
      ], swiftSettings: optimized),
    .target(
      name: "Comparison",
      dependencies: ["Plain", "Files", "Threads", "Tensors", "ResNetV2", "Families", "Inference"],
      swiftSettings: optimized),
    .target(
      name: "Precision",
      dependencies: [
        "Threads", "Tensors", "RNW", "ResNetV2", "Families", "Inference", "Comparison",
      ], swiftSettings: strict),
    .target(
      name: "Diagnosis",
      dependencies: [
        "Plain", "Threads", "Tensors", "ResNetV2", "Families", "Inference", "Comparison",
      ],
      swiftSettings: optimized),
    .target(
      name: "Reports",
      dependencies: [
        "Plain", "Pages", "Files", "Tensors", "ResNetV2", "Families", "Comparison", "Diagnosis",
      ],
      resources: [
        .embedInCode("HTML/Page/report.css"), .embedInCode("HTML/Page/report.js"),
        .embedInCode("HTML/Page/table.js"), .embedInCode("Summary/Page/summary.css"),
      ],
      swiftSettings: strict),
    .target(
      name: "Runtimes",
      dependencies: [
        "Plain", "Files", "Processes", "Tensors", "ResNetV2", "Families", "Inference",
        "Comparison",
      ], swiftSettings: strict),
    .target(
      name: "Conversion",
      dependencies: [
        "Plain", "Files", "Threads", "Tensors", "Safetensors", "RNW", "WeightSources", "ResNetV2",
        "Families", "Images", "Inference", "SourceGraph", "Comparison", "Diagnosis", "Reports",
        "Precision", "Runtimes",
        .product(name: "Crypto", package: "swift-crypto"),
      ], swiftSettings: strict),
    .target(
      name: "Networks",
      dependencies: [
        "Files", "Tensors", "RNW", "WeightSources", "ResNetV2", "Families", "Images", "Inference",
        "Comparison", "Reports", "Conversion",
      ], swiftSettings: strict),
    .target(
      name: "Batch",
      dependencies: [
        "Plain", "Pages", "Files", "Threads", "Processes",
        .product(name: "Crypto", package: "swift-crypto"),
      ],
      resources: [.embedInCode("Page/fleet.css"), .embedInCode("Page/fleet.js")],
      swiftSettings: strict),
    .executableTarget(
      name: "rnw",
      dependencies: [
        "Batch", "Comparison", "Conversion", "Diagnosis", "Families", "Files", "Inference", "Plain",
        "Precision", "Processes", "Reports", "ResNetV2", "RNW", "Tensors", "WeightSources",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ], swiftSettings: strict),
    // The library for C: its header, and the functions in Swift that the header declares.
    .systemLibrary(name: "CRNW", path: "Bindings/c/include"),
    .target(
      name: "RNWForC", dependencies: ["CRNW", "Files", "Inference", "ResNetV2", "RNW", "Tensors"],
      path: "Bindings/c/library", swiftSettings: strict),

    // Tests, one target for each room.
    // Optimised like the kernels: networks are computed there by the plainest formulas.
    .target(
      name: "TestSupport", dependencies: ["Inference", "ResNetV2", "Tensors"],
      path: "Tests/TestSupport", swiftSettings: strict + [.unsafeFlags(["-O"])]),
    tests("Plain"),
    tests("Files", of: "Threads"),
    tests("Threads"),
    tests("Processes", of: "Files"),
    tests("Batch", of: "Files", "Plain", "WeightSources"),
    tests("Tensors", of: "Files"),
    tests("Safetensors", of: "Files", "Tensors"),
    tests("RNW", of: "CZlib", "Files", "Plain", "Safetensors", "Tensors"),
    tests("ResNetV2", of: "Tensors"),
    tests("WeightSources", of: "Files", "Tensors", "rnw-hdf5"),
    tests("Families", of: "Files", "ResNetV2", "SourceGraph", "Tensors"),
    tests("Images", of: "Families", "Files", "Tensors", "WeightSources"),
    tests("Inference", of: "ResNetV2", "Tensors", "Threads"),
    tests("SourceGraph", of: "Files", "Inference", "Plain", "Tensors", "WeightSources", "rnw-hdf5"),
    tests("Reports", of: "Families", "Plain", "ResNetV2", "Tensors", golden: ["Golden"]),
    .testTarget(
      name: "VerificationTests",
      dependencies: [
        "Comparison", "Diagnosis", "Families", "Files", "Inference", "Plain", "Reports", "ResNetV2",
        "RNW", "Tensors", "TestSupport",
      ], swiftSettings: strict),
    tests(
      "Conversion",
      of: "Families", "Files", "Images", "Inference", "ResNetV2", "RNW", "SourceGraph", "Tensors",
      "Comparison", "Diagnosis", "Precision", "Reports", "WeightSources", "rnw-hdf5"),
    tests(
      "Networks",
      of: "Conversion", "Files", "Inference", "RNW", "ResNetV2", "Tensors", "WeightSources"),
    .testTarget(
      name: "CommandLineTests",
      dependencies: [
        "rnw", "rnw-hdf5", "Images", "TestSupport",
        .product(name: "Subprocess", package: "swift-subprocess"),
      ], swiftSettings: strict),
  ],
  swiftLanguageModes: [.v6]
)

// The fuzz targets need a runtime that not every toolchain has: they are there when asked for.
if Context.environment["RNW_FUZZ"] != nil {
  for (name, define) in [
    ("file", "FUZZ_FILE"), ("pickle", "FUZZ_PICKLE"), ("hdf5-table", "FUZZ_HDF5_TABLE"),
    ("image", "FUZZ_IMAGE"), ("keras-graph", "FUZZ_KERAS_GRAPH"), ("onnx", "FUZZ_ONNX"),
  ] {
    package.targets.append(
      .executableTarget(
        name: "fuzz-\(name)",
        dependencies: ["WeightSources", "RNW", "Files", "Tensors", "Images", "SourceGraph"],
        path: "FuzzTargets/\(name)",
        swiftSettings: [.define(define), .unsafeFlags(["-parse-as-library"])]))
  }
}
