import ResNetV2
import Tensors
import Testing

@testable import Inference

@Suite("Choice of a convolution's method")
struct ConvolutionMethodTests {
  static func conv(
    _ inputs: Int, _ outputs: Int, kernel: Int = 3, stride: Int = 1
  ) -> Operation.Convolution {
    .init(
      kernel: kernel, stride: stride, padding: .each(kernel / 2), inputChannels: inputs,
      outputChannels: outputs)
  }

  @Test(
    "A convolution of a stride or of many taps has no choice", arguments: [(1, 2), (3, 2), (7, 1)])
  func othersAreDirect(kernel: Int, stride: Int) {
    let conv = Self.conv(64, 64, kernel: kernel, stride: stride)
    #expect(ConvolutionMethod.fastest(conv, input: [1, 56, 56, 64], lanes: 16) == .direct)
  }

  @Test(
    "Where there are many squares, large ones are chosen",
    arguments: [(56, 64), (28, 128), (14, 256)], [4, 8, 16])
  func largeSquares(place: (side: Int, channels: Int), lanes: Int) {
    let conv = Self.conv(place.channels, place.channels)
    let input: Shape = [1, place.side, place.side, place.channels]
    #expect(
      ConvolutionMethod.fastest(conv, input: input, lanes: lanes) == .winograd(outputs: 4))
  }

  @Test("Where weights outweigh the pixels, fewer of them are read")
  func smallSquares() {
    let conv = Self.conv(512, 512)
    let one = ConvolutionMethod.fastest(conv, input: [1, 7, 7, 512], lanes: 16)
    let eight = ConvolutionMethod.fastest(conv, input: [8, 7, 7, 512], lanes: 16)
    #expect(one == .winograd(outputs: 2))
    #expect(eight == .winograd(outputs: 4))
    #expect(ConvolutionMethod.fastest(conv, input: [1, 1, 1, 512], lanes: 16) == .direct)
  }

  @Test(
    "Many channels are multiplied by halves",
    arguments: [(28, 512, 128), (14, 1024, 256), (14, 256, 1024), (7, 2048, 512)])
  func halves(side: Int, inputs: Int, outputs: Int) {
    let conv = Self.conv(inputs, outputs, kernel: 1)
    for lanes in [4, 8, 16] {
      let method = ConvolutionMethod.fastest(conv, input: [1, side, side, inputs], lanes: lanes)
      #expect(method == .strassen)
    }
  }

  @Test("Halves that are no whole vectors, or of few channels, are not worth their sums")
  func noHalves() {
    for (inputs, outputs) in [(64, 64), (40, 512), (512, 40), (2048, 1000)] {
      let conv = Self.conv(inputs, outputs, kernel: 1)
      #expect(ConvolutionMethod.fastest(conv, input: [1, 28, 28, inputs], lanes: 16) == .direct)
    }
    // Measured: 0.46 ms directly, 0.52 by halves.
    let conv = Self.conv(256, 64, kernel: 1)
    #expect(ConvolutionMethod.fastest(conv, input: [1, 56, 56, 256], lanes: 16) == .direct)
  }

  @Test("Few channels are not worth a transform")
  func fewChannels() {
    let conv = Self.conv(3, 16)
    #expect(ConvolutionMethod.fastest(conv, input: [1, 224, 224, 3], lanes: 16) == .direct)
  }

  @Test("The cost of a method never falls with the size of the image or the channels")
  func costsAreMonotonic() {
    for method in [
      ConvolutionMethod.direct, .winograd(outputs: 2), .winograd(outputs: 4), .strassen,
    ] {
      let bySide = (1...60).map {
        method.cost(Self.conv(64, 64), input: [1, $0, $0, 64], lanes: 16)
      }
      let byChannels = (1...300).map {
        method.cost(Self.conv($0, $0), input: [1, 28, 28, $0], lanes: 16)
      }
      #expect(zip(bySide, bySide.dropFirst()).allSatisfy { $0 <= $1 }, "\(method)")
      #expect(zip(byChannels, byChannels.dropFirst()).allSatisfy { $0 <= $1 }, "\(method)")
    }
  }
}
