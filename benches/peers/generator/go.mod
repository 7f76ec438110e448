module muster/benches/peers/generator

go 1.22

require (
	github.com/smallstep/pkcs7 v0.2.1
	golang.org/x/sys v0.30.0
)

require golang.org/x/crypto v0.33.0 // indirect
