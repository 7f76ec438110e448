<?php
$config = [
    'people' => [
        'exampleauth:UserPass',
        'alice:alice-password' => [
            'uid' => ['alice'],
            'displayName' => ['Alice Ångström & Søn'],
            'mail' => ['alice@example.test'],
            'groups' => ['enroll', 'physics'],
            'department' => ['Physics <1>'],
            'appleId' => ['alice@appleid.example.test'],
        ],
        'bob:bob-password' => [
            'uid' => ['bob'],
            'mail' => ['bob@example.test'],
            'groups' => ['visitors'],
        ],
    ],
];
