import Benchmark
import Inference
import ResNetV2
import Subjects
import Tensors

/// The forward pass, its layers, and what comes before it: swift package benchmark.
let benchmarks: @Sendable () -> Void = {
  let metrics: [BenchmarkMetric] = [.wallClock, .cpuTotal]
  let settings = Benchmark.Configuration(metrics: metrics, maxDuration: .seconds(3))

  for threads in [1, 2] {
    for winograd in [true, false] {
      let method = winograd ? "Winograd where faster" : "direct"
      Benchmark(
        "ResNet50V2, 224×224, \(method), threads: \(threads)", configuration: settings
      ) { benchmark, subject in
        for _ in benchmark.scaledIterations {
          blackHole(try subject.executor.run(subject.input, observer: nil))
        }
      } setup: {
        try Subject(threads: threads, winograd: winograd)
      }
    }
  }

  // One of each kind of convolution, alone and unfused.
  for name in [
    "stem.conv", "stage1.block2.conv1", "stage1.block2.conv2", "stage1.block2.conv3",
    "stage2.block4.conv2", "stage3.block2.conv2", "stage4.block2.conv1", "stage4.block2.conv2",
    "head.dense",
  ] {
    Benchmark("layer \(name)", configuration: settings) { benchmark, subject in
      for _ in benchmark.scaledIterations {
        blackHole(try subject.subject.executor.evaluate(subject.node, inputs: subject.inputs))
      }
    } setup: {
      try LayerSubject(name)
    }
  }

  Benchmark("pack ResNet50V2's weights", configuration: settings) { benchmark, subject in
    for _ in benchmark.scaledIterations {
      blackHole(FastExecutor(subject.parameters, pool: WorkerPool(threads: 2)))
    }
  } setup: {
    try Subject(threads: 2, winograd: true)
  }
}

/// A network that is ready to run.
private struct Subject: Sendable {
  let graph: Graph
  let parameters: Parameters
  let executor: FastExecutor
  let input: Activation

  init(threads: Int, winograd: Bool) throws {
    graph = try Graph(.resnet50V2)
    parameters = try graph.randomParameters()
    executor = FastExecutor(parameters, pool: WorkerPool(threads: threads), winograd: winograd)
    input = try .probe(shape: [1, 224, 224, 3])
  }
}

/// A layer, and what it reads.
private struct LayerSubject: Sendable {
  let subject: Subject
  let node: Int
  let inputs: [Activation]

  init(_ name: String) throws {
    subject = try Subject(threads: 2, winograd: true)
    guard let node = subject.graph.index(of: name) else { throw MissingLayer(name: name) }
    self.node = node
    let wanted = Set(subject.graph.nodes[node].inputs)
    var values: [Int: Activation] = [:]
    _ = try subject.executor.run(subject.input) { index, value in
      if wanted.contains(index) { values[index] = value }
    }
    inputs = subject.graph.nodes[node].inputs.compactMap { values[$0] }
  }
}

private struct MissingLayer: Error {
  let name: String
}
