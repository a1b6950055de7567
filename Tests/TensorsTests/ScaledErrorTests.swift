import Tensors
import Testing

@Suite("The scaled error")
struct ScaledErrorTests {
  @Test("It is the largest difference in units of the largest reference")
  func value() {
    #expect(ScaledError(of: [1, -4], from: [1, -4]).value == 0)
    #expect(ScaledError(of: [1.5, -4], from: [1, -4]).value == 0.125)
    #expect(ScaledError(of: [0, 0.25], from: [0, 0]).value == 0.25)
  }

  @Test(
    "A value that is not finite makes it infinite, on either side and on both",
    arguments: [Float.nan, .infinity, -.infinity], [true, false])
  func notFinite(_ value: Float, isSame: Bool) {
    #expect(ScaledError(of: [1, value], from: [1, isSame ? value : 2]).value == .infinity)
    #expect(ScaledError(of: [1, isSame ? value : 2], from: [1, value]).value == .infinity)
  }

  @Test("Another number of values is an infinite error")
  func count() {
    #expect(ScaledError(of: [1], from: [1, 2]).value == .infinity)
    #expect(ScaledError(of: [1], from: [Float]()).value == .infinity)
  }
}
