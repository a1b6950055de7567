import Inference
import ResNetV2
import Tensors
import TestSupport
import Testing

@Suite("Certified values")
struct CertifiedValuesTests {
  @Test("They are the logits of the first image, before any softmax")
  func logits() throws {
    let configuration = SampleNetwork.preActivation.configuration
    #expect(configuration.head.lastActivation == .softmax)
    let executor = Fixed(
      graph: try Graph(configuration), node: "head.dense", values: [0, 1, 2, 3], shape: [2, 2])
    #expect(try executor.certifiedValues(for: .probe(seed: 1, shape: [2, 64, 64, 3])) == [0, 1])
  }

  @Test("Without a dense layer they are the last value, averaged over the image")
  func features() throws {
    var configuration = SampleNetwork.preActivation.configuration
    configuration.head = .init(hasPooling: false, classes: 0, hasSoftmax: false)
    let executor = Fixed(
      graph: try Graph(configuration), node: "final.relu", values: [1, 2, 3, 4, 9, 9, 9, 9],
      shape: [2, 2, 1, 2])
    #expect(try executor.certifiedValues(for: .probe(seed: 1, shape: [2, 64, 64, 3])) == [2, 3])
  }

  @Test("A network that no memory would hold is not run")
  func isNotRun() throws {
    var configuration = SampleNetwork.preActivation.configuration
    configuration.stem.convolutions = [
      .init(kernel: 1, stride: 1, outputChannels: 1 << 20, hasBias: false)
    ]
    let executor = Fixed(
      graph: try Graph(configuration), node: "head.dense", values: [7], shape: [1, 1])
    #expect(try executor.certifiedValues(for: .probe(seed: 1, shape: [1, 64, 64, 3])).isEmpty)
  }
}

/// Gives a value for one node, and zeros for all others.
private struct Fixed: Executor {
  let graph: Graph
  let node: String
  let values: [Float]
  let shape: Shape

  func run(
    _ input: Activation, observer: ((_ node: Int, _ value: Activation) throws -> Void)?
  ) throws -> Activation {
    for index in graph.nodes.indices { try observer?(index, try evaluate(index, inputs: [])) }
    return try evaluate(graph.outputIndex, inputs: [])
  }

  func evaluate(_ node: Int, inputs: [Activation]) throws -> Activation {
    let isTheNode = graph.nodes[node].name == self.node
    return Activation(
      shape: shape, values: isTheNode ? values : [Float](repeating: 0, count: values.count))
  }
}

@Suite("The range of a probe")
struct ProbeRangeTests {
  static let inputs: [Configuration.Input] = [
    .init(),
    .init(scale: [1 / 127.5, 1 / 127.5, 1 / 127.5], offset: [-1, -1, -1]),
    .init(offset: [-103.939, -116.779, -123.68], reversesChannels: true),
    .init(scale: [0.01, 0.02, -0.04], offset: [-1, 0, 2], reversesChannels: true),
    .init(channels: 1, scale: [1 / 255]),
    .init(reversesChannels: true),
  ]

  @Test("A network's own adjustment turns it into [−1, 1)", arguments: inputs)
  func adjusted(_ input: Configuration.Input) {
    let shape: Shape = [1, 30, 20, input.channels]
    let plain = Activation.probe(seed: 5, shape: shape).values
    let probe = Activation.probe(seed: 5, shape: shape, range: ProbeRange(input)).values
    let channels = input.channels
    for pixel in 0..<600 {
      for channel in 0..<channels {
        let read = input.reversesChannels ? channels - 1 - channel : channel
        var value = Double(probe[pixel * channels + read])
        if !input.scale.isEmpty { value *= input.scale[channel] }
        if !input.offset.isEmpty { value += input.offset[channel] }
        #expect(abs(value - Double(plain[pixel * channels + read])) <= 1e-5)
      }
    }
    #expect(input.isAdjusted || probe == plain)
  }

  @Test("A network that takes nothing of its input has the plain probe")
  func impossible() {
    #expect(ProbeRange(.init(scale: [0, 1, 1])) == .unit)
    #expect(ProbeRange(.init(scale: [1e-300, 1, 1])) == .unit)
  }
}
