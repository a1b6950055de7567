import ArgumentParser
import Conversion
import Families
import Inference
import Plain
import ResNetV2
import Tensors

/// `rnw bench`.
struct BenchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench",
    abstract: "Measure the forward pass layer by layer, as a share of what the processor can do.",
    discussion: """
      The peak is the rate of multiply-adds in registers, measured in the same run. A name that \
      several families have is taken as Keras'. The last line tells how far apart the cores are: a \
      virtual machine may have cores without a common cache, and is then a fifth slower.

      EXAMPLES
        rnw bench model.rnw
        rnw bench resnet50_v2 --batch 8 --threads 2 --json
        rnw bench model.safetensors --load
        rnw bench model.safetensors --codec
        rnw bench resnet50_v2 --check
      """)

  @Argument(help: "A model file, or the name of a network, which then gets random weights.")
  var model: String

  @OptionGroup var family: FamilyOption

  @Option(help: "The number of images at once; 1 if left out.")
  var batch: Int?

  @Option(help: "The height and width of an image; the family's usual one if left out.")
  var size: Int?

  @Option(help: "How often the network is run; 20 times if left out.")
  var repetitions: Int?

  @Option(
    help: "The kernels: baseline, avx2 or avx512; the best that the processor has if left out.")
  var kernels: InstructionSet?

  @Flag(
    inversion: .prefixedNo,
    help:
      "Whether convolutions may be computed with fewer products, by Winograd's and Strassen's methods; they may if left out."
  )
  var winograd: Bool?

  @Flag(help: "Store every layer's output, as a comparison does: nothing is fused.")
  var keepActivations = false

  @Flag(help: "Measure opening the file and mapping its tensors instead of running it.")
  var load = false

  @Flag(help: "Measure packing the file's tensors with the codec planes, and unpacking them.")
  var codec = false

  @Flag(
    help:
      "Compare every layer with sums in double precision instead; status 1 above 2e-6, or 1e-5 with fewer products."
  )
  var check = false

  @OptionGroup var threads: ThreadsOption

  @Flag(help: "Print one JSON document.")
  var json = false

  func validate() throws {
    guard (1...1024).contains(batch ?? 1) else {
      throw ValidationError("--batch takes a number from 1 to 1024.")
    }
    guard (1...100_000).contains(repetitions ?? 1) else {
      throw ValidationError("--repetitions takes a number from 1 to 100000.")
    }
    guard size.map({ (1...4096).contains($0) }) ?? true else {
      throw ValidationError("--size takes a number from 1 to 4096.")
    }
    guard [load, codec, check].filter({ $0 }).count <= 1 else {
      throw ValidationError(
        "--load, --codec and --check are measurements of their own: ask for one.")
    }
    let runsNothing: KeyValuePairs = [
      "--batch": batch != nil, "--size": size != nil, "--kernels": kernels != nil,
      "--winograd": winograd != nil, "--keep-activations": keepActivations,
    ]
    if load {
      try requireUnused(runsNothing, because: "with --load, which runs nothing")
      try requireUnused(["--threads": threads.isGiven], because: "with --load, which uses one")
    }
    if codec {
      try requireUnused(runsNothing, because: "with --codec, which runs nothing")
      try requireUnused(
        ["--family": family.isGiven], because: "with --codec, which knows no families")
    }
    if check {
      try requireUnused(
        ["--repetitions": repetitions != nil, "--keep-activations": keepActivations],
        because: "with --check, which measures no time")
    }
    if let kernels, !kernels.isAvailable {
      throw ValidationError("This processor cannot run the \(kernels.rawValue) kernels.")
    }
  }

  func run() throws {
    var request = BenchRequest(model: model)
    request.family = family.family
    request.batch = batch ?? request.batch
    request.size = size
    request.repetitions = repetitions ?? request.repetitions
    request.pool = threads.pool
    request.instructionSet = kernels
    request.winograd = winograd ?? request.winograd
    request.keepsActivations = keepActivations
    if load {
      let report = LoadReport(try benchLoad(request))
      return try StandardOutput.write(report, asJSON: json, text: report.text)
    }
    if codec {
      let report = CodecReport(try benchCodec(request))
      return try StandardOutput.write(report, asJSON: json, text: report.text)
    }
    if check {
      let report = AccuracyReport(try benchAccuracy(request))
      return try StandardOutput.conclude(passes: report.passes) {
        try StandardOutput.write(report, asJSON: json, text: report.text)
      }
    }
    let report = BenchReport(try bench(request), threads: request.pool.threadCount)
    try StandardOutput.write(report, asJSON: json, text: report.text)
  }
}

/// The times of a forward pass.
private struct BenchReport: Encodable {
  private let schema = "rnw.bench/1"
  private let architecture: String
  private let kernels: String
  private let threads: Int
  private let inputShape: [Int]
  private let medianMilliseconds: Double
  private let minimumMilliseconds: Double
  private let gigaflops: Double
  private let peakGigaflops: Double
  private let peakFraction: Double
  private let activationBytes: Int
  private let weightBytes: Int
  private let peakMemoryBytes: Int
  private let roundTripNanoseconds: Double?
  private let copyGigabytesPerSecond: Double
  private let layers: [Layer]

  private struct Layer: Encodable {
    let name: String
    let computes: [String]
    let shape: [Int]
    let medianMilliseconds: Double
    let minimumMilliseconds: Double
    let gigaflops: Double
    let peakFraction: Double
    let operations: Int
    let bytes: Int
  }

  init(_ outcome: BenchOutcome, threads: Int) {
    let profile = outcome.profile
    architecture = outcome.architecture
    kernels = outcome.instructionSet.rawValue
    self.threads = threads
    inputShape = outcome.input.dimensions
    medianMilliseconds = profile.median * 1000
    minimumMilliseconds = profile.minimum * 1000
    let rate = Double(profile.operations) / profile.median
    gigaflops = rate / 1e9
    peakGigaflops = outcome.peak / 1e9
    peakFraction = rate / outcome.peak
    activationBytes = profile.activationBytes
    weightBytes = profile.weightBytes
    peakMemoryBytes = outcome.peakMemoryBytes
    copyGigabytesPerSecond = outcome.bandwidth / 1e9
    roundTripNanoseconds = outcome.roundTrip.map { $0 * 1e9 }
    layers = profile.steps.map { step in
      let rate = Double(step.operations) / step.minimum
      return Layer(
        name: step.nodes.first ?? "", computes: step.nodes, shape: step.shape.dimensions,
        medianMilliseconds: step.median * 1000, minimumMilliseconds: step.minimum * 1000,
        gigaflops: rate / 1e9, peakFraction: rate / outcome.peak, operations: step.operations,
        bytes: step.bytes)
    }
  }

  var text: String {
    var lines = [
      "\(architecture), input \(inputShape.map(String.init).joined(separator: "×")), \(kernels) kernels, "
        + "\(threads) \(threads == 1 ? "thread" : "threads")", "",
      "layer".padded(to: 34) + "output".padded(to: 18) + "ms".leftPadded(to: 8)
        + "GFLOP/s".leftPadded(to: 10) + "of peak".leftPadded(to: 9),
    ]
    for layer in layers {
      let shape = layer.shape.dropFirst().map(String.init).joined(separator: "×")
      var line = layer.name.padded(to: 34) + shape.padded(to: 18)
      line += fixed(layer.minimumMilliseconds, decimals: 3).leftPadded(to: 8)
      if layer.gigaflops > 0 {
        line += fixed(layer.gigaflops, decimals: 1).leftPadded(to: 10)
        line += "\(fixed(layer.peakFraction * 100, decimals: 0)) %".leftPadded(to: 9)
      }
      lines.append(line)
    }
    lines.append("")
    lines.append(
      "whole pass   \(fixed(medianMilliseconds, decimals: 2)) ms median, "
        + "\(fixed(minimumMilliseconds, decimals: 2)) ms minimum, "
        + "\(fixed(gigaflops, decimals: 1)) GFLOP/s, "
        + "\(fixed(peakFraction * 100, decimals: 1)) % of the peak of "
        + "\(fixed(peakGigaflops, decimals: 1)) GFLOP/s")
    lines.append(
      "memory       \(grouped(weightBytes)) bytes of packed weights, "
        + "\(grouped(activationBytes)) bytes of activations; "
        + "the process at most \(grouped(peakMemoryBytes))")
    if let roundTripNanoseconds {
      lines.append(
        "cores        \(fixed(roundTripNanoseconds, decimals: 0)) ns from one thread to another and back"
      )
    }
    return lines.joined(separator: "\n") + "\n"
  }
}
